import { NotImplementedError } from '../failures.ts';
import type { Sdk } from './sdk.ts';

/**
 * The SDK behind this surface's interface. Yours to write, and the only file that imports the SDK's package.
 *
 * `_url` is where its services are. Pass on the caller's authorization, traceparent and signal with each call, limit
 * each call's time, and throw an SdkError, with the cause, for whatever goes wrong.
 */
export function createSdk(_url: URL): Sdk {
  return {
    async listItems() {
      throw new NotImplementedError('AMEIDE_SCAFFOLD: no SDK asks for the items yet');
    },
    async close() {},
  };
}
