/** Area `delegate-api`: `/delegator.json`. */
import { delegateApi } from "../../../daemon/control/admin/delegate-api.ts";
import { fakeClock } from "../../kit/clock.ts";
import { same, type TestCase } from "../support/case.ts";
import { stubInterpreter } from "../support/stubs.ts";

export default async function run({ namers, request, expect }: TestCase): Promise<void> {
  const interpreter = stubInterpreter(namers);
  const ctx = { interpreter: async () => interpreter, clock: fakeClock() };
  const response = await delegateApi({ params: {}, ...request }, ctx);
  same(response.status, expect.status, "status");
  if (expect.body === undefined) return;
  const json = response.contentType === "application/json";
  same(json ? JSON.parse(response.body) : response.body, expect.body, "body");
}
