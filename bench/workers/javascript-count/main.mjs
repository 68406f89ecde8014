// The least that a JavaScript Worker can do to count a call: the statement of `POST /api/data`, bound, run, answered.
import { env } from "cloudflare:workers";

const statement = env.DB.prepare(env.STATEMENT);
const values = JSON.parse(env.VALUES);

export default {
  async fetch() {
    const answer = await statement.bind(...values).first("answer");
    return new Response(answer, { headers: { "content-type": "application/json" } });
  },
};
