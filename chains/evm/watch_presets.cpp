// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/watch.hpp"

// What each preset stands for. Sources: ERC-20 (EIP-20), ERC-4626 (EIP-4626), Aave v3 (IPool.sol,
// IAToken.sol and IVariableDebtToken.sol of @aave/core-v3).
namespace margrave::chains::evm {
namespace {

constexpr std::string_view kTransfer =
    "event Transfer(address indexed from, address indexed to, uint256 value)";

WatchEventSettings event_of(
    std::string_view text, Meaning meaning, std::string_view account, std::string_view amount
) {
    WatchEventSettings out;
    out.event = text;
    out.meaning = meaning;
    out.account = account;
    out.amount = amount;
    return out;
}

WatchCallSettings call_of(
    std::string_view text, const std::optional<Address>& contract, bool is_debt
) {
    WatchCallSettings out;
    out.call = text;
    out.contract = contract;
    out.is_debt = is_debt;
    return out;
}

// Both ends of a transfer of what is read.
void add_touches(WatchSettings& out, const std::optional<Address>& contract) {
    for (const std::string_view end : {"from", "to"}) {
        WatchEventSettings touch = event_of(kTransfer, Meaning::kTouch, end, "");
        touch.contract = contract;
        out.events.push_back(std::move(touch));
    }
}

void add_erc20_custody(WatchSettings& out) {
    WatchEventSettings in = event_of(kTransfer, Meaning::kDeposit, "from", "value");
    in.where.push_back({"to", "custody"});
    WatchEventSettings gone = event_of(kTransfer, Meaning::kWithdraw, "to", "value");
    gone.where.push_back({"from", "custody"});
    out.events.push_back(std::move(in));
    out.events.push_back(std::move(gone));
}

// maxWithdraw is what the account could take out now, with every limit and the rounding against it.
void add_erc4626(WatchSettings& out) {
    out.events.push_back(event_of(
        "event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 "
        "shares)",
        Meaning::kDeposit,
        "owner",
        "assets"
    ));
    out.events.push_back(event_of(
        "event Withdraw(address indexed sender, address indexed receiver, address indexed owner, "
        "uint256 assets, uint256 shares)",
        Meaning::kWithdraw,
        "owner",
        "assets"
    ));
    add_touches(out, std::nullopt);
    out.calls.push_back(
        call_of("function maxWithdraw(address owner) view returns (uint256)", std::nullopt, false)
    );
}

void add_aave(WatchSettings& out) {
    const auto add = [&out](std::string_view text, Meaning meaning, std::string_view account) {
        WatchEventSettings event = event_of(text, meaning, account, "amount");
        event.token = "reserve";
        // One pool has many reserves, one watch has one.
        event.where.push_back({"reserve", "token"});
        out.events.push_back(std::move(event));
    };
    add("event Supply(address indexed reserve, address user, address indexed onBehalfOf, "
        "uint256 amount, uint16 indexed referralCode)",
        Meaning::kDeposit,
        "onBehalfOf");
    add("event Withdraw(address indexed reserve, address indexed user, address indexed to, "
        "uint256 amount)",
        Meaning::kWithdraw,
        "user");
    add("event Borrow(address indexed reserve, address user, address indexed onBehalfOf, "
        "uint256 amount, uint8 interestRateMode, uint256 borrowRate, uint16 indexed referralCode)",
        Meaning::kBorrow,
        "onBehalfOf");
    add("event Repay(address indexed reserve, address indexed user, address indexed repayer, "
        "uint256 amount, bool useATokens)",
        Meaning::kRepay,
        "user");
    constexpr std::string_view kLiquidation =
        "event LiquidationCall(address indexed collateralAsset, address indexed debtAsset, "
        "address indexed user, uint256 debtToCover, uint256 liquidatedCollateralAmount, "
        "address liquidator, bool receiveAToken)";
    WatchEventSettings lost =
        event_of(kLiquidation, Meaning::kWithdraw, "user", "liquidatedCollateralAmount");
    lost.where.push_back({"collateralAsset", "token"});
    WatchEventSettings paid = event_of(kLiquidation, Meaning::kRepay, "user", "debtToCover");
    paid.where.push_back({"debtAsset", "token"});
    out.events.push_back(std::move(lost));
    out.events.push_back(std::move(paid));
    constexpr std::string_view kBalanceOf =
        "function balanceOf(address account) view returns (uint256)";
    add_touches(out, out.balance_token);
    out.calls.push_back(call_of(kBalanceOf, out.balance_token, false));
    for (const auto& token : {out.debt_token, out.stable_debt_token}) {
        if (token) {
            add_touches(out, token);
            out.calls.push_back(call_of(kBalanceOf, token, true));
        }
    }
}

}  // namespace

WatchSettings expand(const WatchSettings& settings) {
    WatchSettings out = settings;
    switch (settings.preset) {
        case WatchPreset::kNone:
        case WatchPreset::kNativeCustody:
            break;
        case WatchPreset::kErc20Custody:
            add_erc20_custody(out);
            break;
        case WatchPreset::kErc4626:
            add_erc4626(out);
            break;
        case WatchPreset::kAaveV3Pool:
            add_aave(out);
            break;
    }
    return out;
}

}  // namespace margrave::chains::evm
