# SPDX-License-Identifier: Apache-2.0
"""The story the demo tells: deposits on two chains become one margin account that both chains obey."""
import json
import time

from world import Failed, ZERO, World, wait_until

ETH = 10**18
USD = 10**6
STATUS = {0: "HEALTHY", 1: "MARGIN_CALL", 2: "LIQUIDATABLE", 3: "BANKRUPT", 4: "UNATTESTABLE"}
LEAF = "(bytes32,int256,int256,int256,int256,uint8,uint32,bytes32)"


class Story:
    def __init__(self, world: World, say=print):
        self.w = world
        self.say = say
        self.started = time.monotonic()
        self.done = []

    def wait(self, what, check, timeout=60, every=0.2):
        return wait_until(what, check, timeout * self.w.patience, every)

    # Printing -------------------------------------------------------------------------------------------------------
    def chapter(self, text):
        self.say(f"\n\033[1m[{time.monotonic() - self.started:5.1f} s] {text}\033[0m")

    def fact(self, text):
        self.done.append(text)
        self.say(f"   ok  {text}")

    def txn(self, chain, what, txn_hash):
        self.say(f"       {chain.name}  {what}  {txn_hash}")

    def table(self):
        self.say(f"       {'ACCOUNT':8} {'EQUITY FIRM':>14} {'PROVISIONAL':>14} {'INITIAL':>12} {'MAINTENANCE':>12}  "
                 f"{'STATUS':13} HOLDINGS")
        rows = self.w.accounts()
        for user in (self.w.alice, self.w.bob):
            row = rows.get(user.account)
            if row is None:
                self.say(f"       {user.name:8} {'-':>14}")
                continue
            usd = [f"{int(row[k]) / 1e18:,.2f}" for k in ("equity", "provisionalEquity", "initial", "maintenance")]
            held = ", ".join(self.holding(h) for h in row["holdingsAtHead"])
            self.say(f"       {user.name:8} {usd[0]:>14} {usd[1]:>14} {usd[2]:>12} {usd[3]:>12}  "
                     f"{row['status']:13} {held}")

    def holding(self, row):
        chain = next(c for c in self.w.chains if row["asset"].startswith(c.caip + "/"))
        native = "slip44" in row["asset"]
        unit, name = (ETH, "ETH") if native else (USD, "USD")
        text = ""
        if int(row["collateral"]):
            text += f"{int(row['collateral']) / unit:,.4f} {name} on {chain.name}"
        if int(row["debt"]):
            text += f"{' and' if text else ''} owes {int(row['debt']) / unit:,.2f} {name} on {chain.name}"
        return text

    # Steps ----------------------------------------------------------------------------------------------------------
    def tell(self):
        for step in (self.set_up, self.deposits, self.both_chains_agree, self.borrow, self.withdraw, self.refuse,
                     self.race, self.orphaned_deposit, self.price_fall, self.liquidation, self.repay):
            step()

    def set_up(self):
        w = self.w
        self.chapter("Two chains, tokens, keys, contracts")
        for chain in w.chains:
            self.say(f"       {chain.name}  {chain.caip}, a block every {chain.block_time} s, at {chain.url}")
        w.set_up_tokens()
        w.make_keys()
        w.write_config()
        w.fund_sender()
        self.say(f"       signer {w.signer}, pays from {w.sender}")
        for row in w.deploy():
            chain = next(c for c in w.chains if c.caip == row["chain"])
            self.txn(chain, f"{row['contract']:14} {row['address']}", row["txn"])
        self.fact("`margrave deploy` put the contracts on both chains")
        w.start_daemon()
        self.wait("the first attestation on both chains", self.registries_have(1), 90)
        self.fact("the daemon's first attestation is on both chains")

    def registries_have(self, round_number):
        def check():
            self.w.check_daemon()
            return all(self.w.registry_round(c) >= round_number for c in self.w.chains)
        return check

    def approve_and(self, user, chain, call, token, amount):
        """Tokens for the user, an allowance, and the call with them."""
        chain.send(self.w.faucet.key, token, "mint(address,uint256)", user.address, amount)
        chain.send(user.key, token, "approve(address,uint256)", chain.vault, amount)
        return call()

    def deposit(self, user, chain, token, amount):
        signature = "deposit(bytes32,address,uint256)"
        if token == ZERO:
            txn = chain.send(user.key, chain.vault, signature, user.account, ZERO, amount, value=amount)
        else:
            txn = self.approve_and(user, chain, lambda: chain.send(
                user.key, chain.vault, signature, user.account, token, amount), token, amount)
        self.txn(chain, f"{user.name} deposits {amount / (ETH if token == ZERO else USD):,.2f} "
                        f"{'ETH' if token == ZERO else 'USD'}", txn)
        return txn

    def deposits(self):
        w = self.w
        self.chapter("Deposits: two assets, two chains, two owners; a lender funds the pool on B")
        amount = 50_000 * USD
        txn = self.approve_and(w.lender, w.b, lambda: w.b.send(
            w.lender.key, w.b.vault, "fund(address,uint256)", w.b.usd, amount), w.b.usd, amount)
        self.txn(w.b, "lender funds 50,000.00 USD", txn)
        self.deposit(w.alice, w.a, ZERO, 10 * ETH)
        self.deposit(w.alice, w.b, w.b.usd, 2_000 * USD)
        self.deposit(w.bob, w.b, ZERO, 4 * ETH)
        self.deposit(w.bob, w.a, w.a.usd, 1_000 * USD)
        self.wait_equity(w.alice, 32_000)
        self.wait_equity(w.bob, 13_000)
        self.table()
        self.fact("each owner's collateral on two chains is one account: 32,000 and 13,000 USD")

    def wait_equity(self, user, dollars, timeout=90):
        def check():
            self.w.check_daemon()
            row = self.w.accounts().get(user.account)
            return row and int(row["equity"]) == dollars * ETH and row
        return self.wait(f"{user.name}'s firm equity to be {dollars} USD", check, timeout, 0.5)

    def both_chains_agree(self):
        w = self.w
        self.chapter("Both chains verify the same account under the same signed root")
        for chain in w.chains:
            self.wait(f"the registry on {chain.name} to verify alice's leaf", self.leaf_verifies(chain, w.alice), 60)
            self.fact(f"HealthRegistry.verify(leaf, proof) on {chain.name} says true for alice, round "
                      f"{w.registry_round(chain)}")

    def leaf_verifies(self, chain, user):
        def check():
            row = self.w.account(user)
            status = [k for k, v in STATUS.items() if v == row["status"]][0]
            leaf = (f"({row['account']},{row['equity']},{row['initial']},{row['liquidationEnd']},"
                    f"{row['maintenance']},{status},{row['flags']},{row['detail']})")
            proof = "[" + ",".join(row["proof"]) + "]"
            return chain.call(chain.registry, f"verify({LEAF},bytes32[])(bool)", leaf, proof) == ["true"]
        return check

    def request(self, user, chain, kind, token, amount, wait=True):
        """A withdrawal or borrow request; the transaction hash."""
        name = {"withdrawal": "requestWithdrawal", "borrow": "requestBorrow"}[kind]
        txn = chain.send(user.key, chain.vault, f"{name}(uint256,address,uint256,address)", 0, token, amount,
                         user.address, wait=wait)
        self.txn(chain, f"{user.name} asks: {kind} of {amount / (ETH if token == ZERO else USD):,.2f} "
                        f"{'ETH' if token == ZERO else 'USD'}", txn)
        return txn

    def number_of(self, chain, txn):
        """The request number: the sequence of the event in that transaction."""
        def check():
            rows = [r for r in self.w.movements(chain) if r["txn"] == txn]
            return rows and rows[0]["sequence"]
        return self.wait("the request's event", check, 30)

    def answer_of(self, chain, number):
        """'released', 'refused' or None, from the chain's events and the log."""
        self.w.check_daemon()
        asked = next(r for r in self.w.movements(chain) if r["sequence"] == number)
        for row in self.w.movements(chain):
            if row["kind"] == 4 and row["account"] == asked["account"] and row["counterparty"] == \
                    self.release_id(chain, number):
                return "released"
        for leaf in self.log_of("refusal"):
            if leaf["chain"] == chain.caip and int(leaf["request"]) == number:
                return "refused: " + leaf["reason"]
        return None

    def release_id(self, chain, number):
        key = chain.call(chain.vault, "chain()(bytes32)")[0]
        encoded = chain.cast("abi-encode", "f(string,bytes32,address,uint256)", "release", key, chain.vault, number)
        return chain.cast("keccak", encoded)

    def log_of(self, kind):
        """Entries of one kind in the published log, read as files."""
        entries = self.w.json("audit", "show")
        return [self.w.json("audit", "show", row["entry"]) for row in entries if row["kind"] == kind]

    def wait_answer(self, chain, number, want, timeout=90):
        def check():
            answer = self.answer_of(chain, number)
            if answer and not answer.startswith(want):
                raise SystemExit(f"request {number} on {chain.name} was {answer}, expected {want}")
            return answer
        return self.wait(f"request {number} on {chain.name} to be {want}", check, timeout, 0.5)

    def borrow(self):
        w = self.w
        self.chapter("A loan on B against collateral on A")
        before = w.b.balance(w.alice.address, w.b.usd)
        number = self.number_of(w.b, self.request(w.alice, w.b, "borrow", w.b.usd, 15_000 * USD))
        self.wait_answer(w.b, number, "released")
        got = w.b.balance(w.alice.address, w.b.usd) - before
        if got != 15_000 * USD:
            raise SystemExit(f"alice received {got} raw USD instead of 15000")
        self.wait_equity(w.alice, 17_000)
        self.table()
        self.fact("15,000 USD were released on B; the debt counts against the collateral on A")

    def withdraw(self):
        w = self.w
        self.chapter("A withdrawal for which there is room")
        before = w.a.balance(w.a.vault)
        number = self.number_of(w.a, self.request(w.alice, w.a, "withdrawal", ZERO, 1 * ETH))
        self.wait_answer(w.a, number, "released")
        if before - w.a.balance(w.a.vault) != ETH:
            raise SystemExit("the vault on A did not pay one ETH")
        self.wait_equity(w.alice, 14_000)
        self.fact("1 ETH was released on A")

    def refuse(self):
        w = self.w
        self.chapter("A withdrawal for which there is none")
        number = self.number_of(w.a, self.request(w.alice, w.a, "withdrawal", ZERO, 6 * ETH))
        answer = self.wait_answer(w.a, number, "refused")
        self.fact(f"request {number} on A was {answer}")

    def race(self):
        w = self.w
        self.chapter("Two requests on two chains at once for the same room")
        a = self.request(w.alice, w.a, "withdrawal", ZERO, 5 * ETH // 2, wait=False)
        b = self.request(w.alice, w.b, "borrow", w.b.usd, 5_000 * USD, wait=False)
        number_a, number_b = self.number_of(w.a, a), self.number_of(w.b, b)
        answers = self.wait("both requests to be answered", lambda: (
            lambda x, y: x and y and [x, y])(self.answer_of(w.a, number_a), self.answer_of(w.b, number_b)), 120, 0.5)
        granted = [x for x in answers if x == "released"]
        if len(granted) != 1:
            raise SystemExit(f"exactly one of the two should be granted: {answers}")
        self.fact(f"exactly one was granted: A {answers[0]}; B {answers[1]}")
        self.wait_equity(w.alice, 14_000 if answers[1] == "released" else 6_500)

    def orphaned_deposit(self):
        w = self.w
        self.chapter("A deposit that a reorg takes away before it was final")
        firm = int(w.account(w.bob)["equity"])
        # B makes no block of its own accord until the daemon has seen the deposit, however long that takes.
        w.b.rpc("evm_setIntervalMining", 600)
        try:
            txn = w.b.send(w.bob.key, w.b.vault, "deposit(bytes32,address,uint256)", w.bob.account, ZERO, 1 * ETH,
                           value=1 * ETH, wait=False)
            w.b.rpc("evm_mine")
            self.txn(w.b, "bob deposits 1.00 ETH", txn)
            seen = self.wait("bob's provisional equity to rise", lambda: int(
                w.account(w.bob)["provisionalEquity"]) == firm + 3_000 * ETH, 30, 0.1)
            w.b.rpc("anvil_reorg", 1, [])
        finally:
            w.b.rpc("evm_setIntervalMining", w.b.block_time)
        if seen and w.b.rpc("eth_getTransactionReceipt", txn) is not None:
            raise SystemExit("the reorg left the deposit in the chain")
        self.wait("bob's provisional equity to fall back", lambda: int(
            w.account(w.bob)["provisionalEquity"]) == firm, 30, 0.2)
        if int(w.account(w.bob)["equity"]) != firm:
            raise SystemExit("a deposit that was never final moved the firm equity")
        self.fact("it showed as provisional, went with its block, and never counted as firm")

    def wait_status(self, user, wanted, timeout=60):
        def check():
            self.w.check_daemon()
            row = self.w.accounts()[user.account]
            return row["status"] in wanted and row
        return self.wait(f"{user.name} to be {' or '.join(wanted)}", check, timeout, 0.5)

    def price_fall(self):
        w = self.w
        self.chapter("ETH falls from 3,000 to 2,500: a margin call")
        self.txn(w.a, "price feed says 2,500", w.set_price(2500))
        self.wait_status(w.alice, ["MARGIN_CALL"])
        self.table()
        self.fact("alice is in MARGIN_CALL; nothing may be seized yet")

    def liquidation(self):
        w = self.w
        self.chapter("ETH falls to 2,350: liquidation")
        eth_before = w.a.balance(w.a.vault)
        self.txn(w.a, "price feed says 2,350", w.set_price(2350))
        lot = self.wait("the seizure on A", lambda: [r for r in self.w.movements(w.a) if r["kind"] == 5], 90, 0.3)[0]
        self.txn(w.a, f"seized {lot['amount'] / ETH:,.4f} ETH", lot["txn"])
        if eth_before - w.a.balance(w.a.vault) != lot["amount"]:
            raise SystemExit("the vault did not give exactly the seized lot")
        self.buy(lot)
        proceeds = self.wait("the proceeds to come back", lambda: [
            r for r in self.w.movements(w.a) if r["kind"] == 6], 60)[0]
        self.txn(w.a, f"sold for {proceeds['amount'] / USD:,.2f} USD", proceeds["txn"])
        row = self.wait_status(w.alice, ["MARGIN_CALL", "HEALTHY"], 90)
        if int(row["liquidationEnd"]) < 0:
            raise SystemExit(f"liquidation-end health is {row['liquidationEnd']} after the sale")
        self.table()
        self.fact("the lot was seized, sold and the proceeds credited; liquidation-end health is restored")

    def buy(self, lot):
        """A keeper that buys when the ask is under the market price of the lot."""
        w = self.w
        seizure = lot["counterparty"]
        market = lot["amount"] * 2350 * USD // ETH
        w.a.send(w.faucet.key, w.a.usd, "mint(address,uint256)", w.keeper.address, market)
        w.a.send(w.keeper.key, w.a.usd, "approve(address,uint256)", w.a.sale, market)
        pay = self.wait("the ask to fall to the market price", lambda: (
            lambda ask: ask <= market and ask)(int(w.a.call(w.a.sale, "ask(bytes32)(uint256)", seizure)[0])), 60)
        txn = w.a.send(w.keeper.key, w.a.sale, "buy(bytes32,uint256,address)", seizure, market, w.keeper.address)
        self.txn(w.a, f"keeper buys at an ask of at most {pay / USD:,.2f} USD", txn)

    def repay(self):
        w = self.w
        self.chapter("alice repays 3,000 USD on B")
        amount = 3_000 * USD
        txn = self.approve_and(w.alice, w.b, lambda: w.b.send(
            w.alice.key, w.b.vault, "repay(bytes32,address,uint256)", w.alice.account, w.b.usd, amount),
            w.b.usd, amount)
        self.txn(w.b, "alice repays 3,000.00 USD", txn)
        equity = int(w.account(w.alice)["equity"])
        self.wait("the repayment to be final", lambda: int(w.account(w.alice)["equity"]) == equity + 3_000 * ETH, 60)
        self.wait_status(w.alice, ["HEALTHY"], 60)
        self.table()
        self.fact("the debt is 3,000 USD smaller and alice is HEALTHY")

    # The end --------------------------------------------------------------------------------------------------------
    def settle(self):
        """Waits until the daemon has nothing more to send and both registries hold its last round's state."""
        def check():
            self.w.check_daemon()
            status = self.w.status()
            return all(int(c["lag"]) <= 1 for c in status["chains"])
        self.wait("the daemon to be caught up", check, 60)

    def check_books(self):
        w = self.w
        self.chapter("The books, read by cast and compared with the ledger")
        self.settle()
        for chain in w.chains:
            for token, name in ((ZERO, "ETH"), (chain.usd, "USD")):
                def check():
                    asset = f"{chain.caip}/slip44:60" if token == ZERO else f"{chain.caip}/erc20:{token.lower()}"
                    row = next(r for r in w.status()["ledgers"] if r["asset"] == asset)
                    held = chain.balance(chain.vault, token)
                    if int(row["vault"]) != held:
                        raise Failed(f"{asset}: the ledger says {row['vault']}, the vault holds {held}")
                    return [held]
                held = self.wait(f"{name} on {chain.name} to agree", check, 30)[0]
                self.fact(f"{name} on {chain.name}: vault {held} = ledger {held} raw units")
        self.check_events()
        for chain in w.chains:
            self.wait(f"the registry on {chain.name} to hold a root of the log", lambda: self.root_in_log(chain), 30)

    def root_in_log(self, chain):
        answer = chain.call(chain.registry, "latest()(uint64,bytes32,uint64,uint64)")
        for leaf in self.log_of_round(int(answer[0])):
            if leaf["typedData"]["message"]["accounts"] == answer[1]:
                self.fact(f"registry on {chain.name}: round {answer[0]}, root {answer[1]} = the log's")
                return True
        return False

    def log_of_round(self, number):
        entries = [r for r in self.w.json("audit", "show") if r["kind"] == "attestation"]
        for row in reversed(entries):
            leaf = self.w.json("audit", "show", row["entry"])
            if int(leaf["typedData"]["message"]["round"]) == number:
                return [leaf]
        return []

    def check_events(self):
        """A fold of the vaults' events by other hands than the ledger's, against each account's holdings."""
        w = self.w
        for user in (w.alice, w.bob):
            expected = fold_accounts(w, user.account)
            row = w.account(user)
            got = {h["asset"]: (int(h["collateral"]), int(h["debt"])) for h in row["holdingsAtHead"]}
            if got != expected:
                raise SystemExit(f"{user.name}: the events say {expected}, the ledger {got}")
            self.fact(f"{user.name}: a fold of the events read by eth_getLogs gives the ledger's holdings")

    def finish(self):
        w = self.w
        self.chapter("Stop, and audit the log as somebody who trusts nobody")
        code = w.stop_daemon()
        if code != 0:
            raise SystemExit(f"the daemon ended with code {code} on SIGTERM")
        report = w.json("audit", "verify", "--replay", "all")
        self.fact(f"audit verify: {report['size']} entries, {report['attestations']} attestations, "
                  f"{report['releases']} releases, {report['seizures']} seizures hold; "
                  f"{report['replayedRounds']} rounds computed again to the same bytes")
        return report


def fold_accounts(w, account):
    """(collateral, debt) by asset from the vaults' Movement events alone."""
    out = {}
    for chain in w.chains:
        coll, debt, requests, lots = {}, {}, {}, {}
        for row in w.movements(chain):
            key = f"{chain.caip}/slip44:60" if row["token"] == ZERO else f"{chain.caip}/erc20:{row['token']}"
            kind, amount, mine = row["kind"], row["amount"], row["account"] == account
            if kind in (2, 3):
                requests[row["sequence"]] = row
            if not mine:
                continue
            if kind == 1:
                coll[key] = coll.get(key, 0) + amount
            elif kind == 4:
                asked = next(r for n, r in requests.items() if Story.release_id(None, chain, n) == row["counterparty"])
                book = debt if asked["kind"] == 3 else coll
                book[key] = book.get(key, 0) + (amount if asked["kind"] == 3 else -amount)
            elif kind == 5:
                lots[row["counterparty"]] = key
                coll[key] = coll.get(key, 0) - amount
            elif kind in (6, 7):
                paid = min(debt.get(key, 0), amount) if lots.get(row["counterparty"]) != key else 0
                debt[key] = debt.get(key, 0) - paid
                coll[key] = coll.get(key, 0) + amount - paid
            elif kind == 9:
                coll[key] = coll.get(key, 0) - amount
        for key in set(coll) | set(debt):
            if coll.get(key, 0) or debt.get(key, 0):
                out[key] = (coll.get(key, 0), debt.get(key, 0))
    return out
