// SPDX-License-Identifier: Apache-2.0
// The same work as every other contestant: a row for each event, and the balance of its account.
import { ponder } from "ponder:registry";
import { balance, movement } from "ponder:schema";

ponder.on("Vault:Movement", async ({ event, context }) => {
  const { sequence, kind, account, token, amount } = event.args;
  await context.db.insert(movement).values({ sequence, kind, account, token, amount, block: event.block.number });
  await context.db
    .insert(balance)
    .values({ account, token, amount })
    .onConflictDoUpdate((row) => ({ amount: row.amount + amount }));
});
