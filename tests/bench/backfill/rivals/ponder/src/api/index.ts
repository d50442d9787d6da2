// SPDX-License-Identifier: Apache-2.0
// What the database says in the end, for the comparison with the contracts.
import { Hono } from "hono";
import { sql } from "ponder";
import { db } from "ponder:api";
import schema from "ponder:schema";

const app = new Hono();

app.get("/result", async (c) => {
  const [events] = await db.select({ n: sql<string>`count(*)::text` }).from(schema.movement);
  const sums = await db
    .select({ token: schema.balance.token, sum: sql<string>`sum(${schema.balance.amount})::text` })
    .from(schema.balance)
    .groupBy(schema.balance.token);
  return c.json({ events: Number(events?.n), sums: Object.fromEntries(sums.map((row) => [row.token, row.sum])) });
});

export default app;
