// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/simplex.hpp"

namespace margrave::margin::tests {
namespace {

class Tableau {
  public:
    explicit Tableau(const Program& program)
        : variables_(program.cost.size()),
          width_(variables_ + program.rows.size() + 1) {
        for (std::size_t i = 0; i < program.rows.size(); ++i) {
            std::vector<Rational> row(width_ + 1);
            for (std::size_t j = 0; j < variables_; ++j) {
                row[j] = program.rows[i].of[j];
            }
            row[variables_ + i] = 1;
            // The one artificial variable, taken from every row.
            row[width_ - 1] = -1;
            row[width_] = program.rows[i].at_most;
            rows_.push_back(std::move(row));
            basis_.push_back(variables_ + i);
        }
    }

    bool make_feasible() {
        std::size_t worst = 0;
        for (std::size_t i = 1; i < rows_.size(); ++i) {
            if (rows_[i][width_] < rows_[worst][width_]) {
                worst = i;
            }
        }
        if (rows_.empty() || rows_[worst][width_] >= 0) {
            return true;
        }
        pivot(worst, width_ - 1);
        std::vector<Rational> cost(width_);
        cost[width_ - 1] = 1;
        if (minimise(cost, width_) > 0) {
            return false;
        }
        drive_out();
        return true;
    }

    Rational minimise(const std::vector<Rational>& cost, std::size_t columns) {
        for (;;) {
            const auto entering = improving(cost, columns);
            if (!entering) {
                break;
            }
            const auto leaving = leaving_for(*entering);
            if (!leaving) {
                break;
            }
            pivot(*leaving, *entering);
        }
        Rational out;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            out += cost[basis_[i]] * rows_[i][width_];
        }
        return out;
    }

    [[nodiscard]] std::size_t width() const { return width_; }

  private:
    [[nodiscard]] std::optional<std::size_t> improving(
        const std::vector<Rational>& cost, std::size_t columns
    ) const {
        for (std::size_t j = 0; j < columns; ++j) {
            Rational reduced = cost[j];
            for (std::size_t i = 0; i < rows_.size(); ++i) {
                if (cost[basis_[i]] != 0) {
                    reduced -= cost[basis_[i]] * rows_[i][j];
                }
            }
            if (reduced < 0) {
                return j;
            }
        }
        return {};
    }

    [[nodiscard]] std::optional<std::size_t> leaving_for(std::size_t column) const {
        std::optional<std::size_t> out;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (rows_[i][column] <= 0) {
                continue;
            }
            if (!out) {
                out = i;
                continue;
            }
            const Rational here = rows_[i][width_] * rows_[*out][column];
            const Rational best = rows_[*out][width_] * rows_[i][column];
            if (here < best || (here == best && basis_[i] < basis_[*out])) {
                out = i;
            }
        }
        return out;
    }

    void drive_out() {
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (basis_[i] != width_ - 1) {
                continue;
            }
            for (std::size_t j = 0; j + 1 < width_; ++j) {
                if (rows_[i][j] != 0) {
                    pivot(i, j);
                    break;
                }
            }
        }
    }

    void pivot(std::size_t row, std::size_t column) {
        const Rational by = rows_[row][column];
        for (Rational& value : rows_[row]) {
            value /= by;
        }
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const Rational times = rows_[i][column];
            if (i == row || times == 0) {
                continue;
            }
            for (std::size_t j = 0; j <= width_; ++j) {
                rows_[i][j] -= times * rows_[row][j];
            }
        }
        basis_[row] = column;
    }

    std::size_t variables_;
    std::size_t width_;
    std::vector<std::vector<Rational>> rows_;
    std::vector<std::size_t> basis_;
};

}  // namespace

std::optional<Rational> minimum(const Program& program) {
    Tableau tableau(program);
    if (!tableau.make_feasible()) {
        return {};
    }
    std::vector<Rational> cost = program.cost;
    cost.resize(tableau.width());
    // Without the artificial variable, which is the last.
    return tableau.minimise(cost, tableau.width() - 1);
}

}  // namespace margrave::margin::tests
