// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/canonical_reader.hpp"
#include "attest/detail/fields.hpp"
#include "attest/digest.hpp"

#include <optional>
#include <string>

namespace margrave::attest {
namespace {

// Fills one statement from its message; the first trouble is kept and ends the filling.
struct Reader {
    const Canonical& message;
    std::string where;
    std::optional<Error> error;

    // The field's text, or nothing when there was trouble.
    std::optional<std::string_view> text(std::string_view name) {
        if (error) {
            return std::nullopt;
        }
        auto found = detail::find_text(message, name, where);
        if (!found) {
            error = std::move(found).error();
            return std::nullopt;
        }
        return found.value();
    }

    template <class T>
    void take(std::string_view name, Result<T> parsed, T& out) {
        if (parsed) {
            out = std::move(parsed).value();
        } else {
            error = fail(
                Errc::kInvalid, where + ": \"" + std::string(name) + "\": " + parsed.error().detail
            );
        }
    }

    void operator()(std::string_view, std::string_view name, std::uint64_t& out) {
        if (const auto t = text(name)) {
            take(name, detail::parse_u64(*t, "the value"), out);
        }
    }

    template <class Tag>
    void operator()(std::string_view type, std::string_view name, Strong<Tag>& out) {
        (*this)(type, name, out.value);
    }

    void operator()(std::string_view type, std::string_view name, ReleaseKind& out) {
        std::uint64_t number = 0;
        (*this)(type, name, number);
        if (error) {
            return;
        }
        if (number < 1 || number > 3) {
            error = fail(
                Errc::kInvalid,
                where + ": \"" + std::string(name) + "\" " + std::to_string(number) +
                    " is none of 1 withdrawal, 2 borrow, 3 pool"
            );
            return;
        }
        out = static_cast<ReleaseKind>(number);
    }

    void operator()(std::string_view, std::string_view name, Hash32& out) {
        if (const auto t = text(name)) {
            take(name, parse_hash32(*t), out);
        }
    }

    void operator()(std::string_view type, std::string_view name, AccountId& out) {
        Hash32 word;
        (*this)(type, name, word);
        out.data = word.data;
    }

    void operator()(std::string_view, std::string_view name, Address& out) {
        if (const auto t = text(name)) {
            take(name, parse_address(*t), out);
        }
    }

    void operator()(std::string_view, std::string_view name, Amount& out) {
        if (const auto t = text(name)) {
            take(name, Amount::parse(*t), out);
        }
    }
};

// The statement is written again and compared with what was read: that checks types, domain,
// spelling and that there is nothing besides, all at once.
template <class Statement>
Result<Statement> parse(const Canonical& typed) {
    using Row = detail::Fields<Statement>;
    const std::string where = std::string(Row::kName) + " typed data";
    MARGRAVE_TRY(const std::string_view type, detail::find_text(typed, "primaryType", where));
    if (type != Row::kName) {
        return fail(
            Errc::kInvalid,
            where + ": \"primaryType\" is " + std::string(type.substr(0, 40)) + ", not " +
                std::string(Row::kName)
        );
    }
    MARGRAVE_TRY(const Canonical* domain, detail::find(typed, "domain", where));
    MARGRAVE_TRY(const std::string_view salt, detail::find_text(*domain, "salt", where));
    MARGRAVE_TRY(const Hash32 network, parse_hash32(salt));
    MARGRAVE_TRY(const Canonical* message, detail::find(typed, "message", where));
    Statement out;
    Reader reader{.message = *message, .where = where, .error = std::nullopt};
    Row::visit(out, reader);
    if (reader.error) {
        return *std::move(reader.error);
    }
    if (typed_data(network, out).dump() != typed.dump()) {
        return fail(
            Errc::kInvalid,
            where +
                ": domain, types or spelling differ from protocol version 1, or a field is there "
                "that it does not have"
        );
    }
    return out;
}

}  // namespace

Result<Attestation> parse_attestation(const Canonical& typed) {
    return parse<Attestation>(typed);
}

Result<Release> parse_release(const Canonical& typed) {
    return parse<Release>(typed);
}

Result<Seizure> parse_seizure(const Canonical& typed) {
    return parse<Seizure>(typed);
}

Result<SignerSet> parse_signer_set(const Canonical& typed) {
    return parse<SignerSet>(typed);
}

Result<Link> parse_link(const Canonical& typed) {
    return parse<Link>(typed);
}

}  // namespace margrave::attest
