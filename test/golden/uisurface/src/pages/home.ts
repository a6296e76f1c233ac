import { NotImplementedError } from '../failures.ts';
import type { Caller, Sdk } from '../sdk/sdk.ts';
import type { Markup } from './layout.ts';

/**
 * The page at `/`, with the title "orders": the titles of the items in a list, or "Nothing here yet.".
 *
 * Yours to write. Build it with `layout` and the `html` tag, which escapes what it is given. `/new` has the form that
 * makes an item.
 */
export async function home(sdk: Sdk, caller: Caller): Promise<Markup> {
  const items = await sdk.listItems(caller);
  throw new NotImplementedError(`AMEIDE_SCAFFOLD: the home page does not show its ${items.length} items yet`);
}
