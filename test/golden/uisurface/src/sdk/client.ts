import { NotImplementedError } from '../failures.ts';
import type { CallHeaders } from './headers.ts';
import type { Sdk } from './sdk.ts';

/** Where the services are, and what each call to them carries. */
export interface Services {
  /** Takes commands: a domain. Ends with `/`. */
  readonly commandsUrl: URL;
  /** Answers queries: a projection. Ends with `/`. */
  readonly queriesUrl: URL;
  readonly headers: CallHeaders;
}

/**
 * The SDK behind this surface's interface. Yours to write, and the only file that imports the SDK's package.
 *
 * Send the headers of the caller with each call, and the caller's signal too: it ends calls that take too long. Throw a
 * DeniedError when the caller may not do this, an InputError when what was entered is refused (INVALID_ARGUMENT, 400), an
 * SdkError for all else that goes wrong, each with the cause. A service that answers 401 does not accept the token of
 * this surface, which is an SdkError: to sign in again would not help. A SignInError is for an SDK that calls with a
 * credential of the person.
 */
export function createSdk(_services: Services): Sdk {
  return {
    async listOrders() {
      throw new NotImplementedError('AMEIDE_SCAFFOLD: no SDK asks for the list yet');
    },
    async createOrder() {
      throw new NotImplementedError('AMEIDE_SCAFFOLD: no SDK creates anything yet');
    },
    async close() {},
  };
}
