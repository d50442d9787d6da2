// SPDX-License-Identifier: Apache-2.0
// The same work as every other contestant: a row for each event, and the balance of its account.
const { Vault } = require("generated");

Vault.Movement.handler(async ({ event, context }) => {
  const { sequence, kind, account, token, amount } = event.params;
  context.Movement.set({ id: `${sequence}`, kind, account, token, amount, block: event.block.number });
  const id = `${account}-${token}`;
  const balance = await context.Balance.get(id);
  context.Balance.set({ id, token, amount: (balance?.amount ?? 0n) + amount });
});
