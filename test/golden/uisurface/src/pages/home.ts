import { NotImplementedError } from '../failures.ts';
import type { Caller, Sdk } from '../sdk/sdk.ts';
import type { Markup } from './layout.ts';

/**
 * The page at `/`, with the title "orders": the titles of a part of all orders in a list, and a link "More" to
 * `/?after=` with what the rest comes after; or "Nothing here yet.".
 *
 * Yours to write. Build it with `layout` and the `html` tag, which escapes what it is given. `/new` has a form.
 */
export async function home(sdk: Sdk, caller: Caller, after?: string): Promise<Markup> {
  const { rows } = await sdk.listOrders(caller, after);
  throw new NotImplementedError(`AMEIDE_SCAFFOLD: the home page does not list its ${rows.length} rows yet`);
}
