// SPDX-License-Identifier: Apache-2.0
import { onchainTable, primaryKey } from "ponder";

export const movement = onchainTable("movement", (t) => ({
  sequence: t.bigint().primaryKey(),
  kind: t.integer().notNull(),
  account: t.hex().notNull(),
  token: t.hex().notNull(),
  amount: t.bigint().notNull(),
  block: t.bigint().notNull(),
}));

export const balance = onchainTable(
  "balance",
  (t) => ({ account: t.hex().notNull(), token: t.hex().notNull(), amount: t.bigint().notNull() }),
  (table) => ({ pk: primaryKey({ columns: [table.account, table.token] }) }),
);
