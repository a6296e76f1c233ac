import {
  type Caller,
  ConflictError,
  DeniedError,
  InputError,
  NotFoundError,
  SdkError,
  SignInError,
} from './calls.ts';
import type { CallHeaders } from './headers.ts';
import { recordCall } from './telemetry.ts';

/** A service that answers JSON. Calls have the caller's headers and end with its signal; they throw the errors of `calls.ts`. */
export interface JsonService {
  /** Requests a path below the base URL of the service. */
  get<T>(path: string, read: (value: unknown) => T, caller: Caller): Promise<T>;
  /** Calls a method by the Connect protocol, as generated clients do. */
  call<T>(method: string, request: unknown, read: (value: unknown) => T, caller: Caller): Promise<T>;
}

type KnownError = new (message: string, options?: ErrorOptions) => Error;

/** By the code of https://connectrpc.com/docs/protocol#error-codes. */
const CODES: ReadonlyMap<unknown, KnownError> = new Map<unknown, KnownError>([
  ['aborted', ConflictError],
  ['already_exists', ConflictError],
  ['invalid_argument', InputError],
  ['not_found', NotFoundError],
  ['out_of_range', InputError],
  ['permission_denied', DeniedError],
]);

/** For responses without a code. 401 is not the user's: the service does not accept the token of this surface. */
const STATUSES: ReadonlyMap<number, KnownError> = new Map<number, KnownError>([
  [400, InputError],
  [403, DeniedError],
]);

export function jsonService(baseUrl: URL, headers: CallHeaders): JsonService {
  async function send<T>(
    path: string,
    init: RequestInit,
    read: (value: unknown) => T,
    caller: Caller,
  ): Promise<T> {
    const url = new URL(path, baseUrl);
    try {
      const response = await recordCall(url, init.method ?? 'GET', async () => {
        const sent = await headers(caller);
        if (init.body !== undefined) sent.set('content-type', 'application/json');
        // A redirect may lead to another server, even if that answers 200.
        return fetch(url, { ...init, headers: sent, signal: caller.signal, redirect: 'error' });
      });
      if (response.ok) return read(await response.json());
      throw await errorOf(response);
    } catch (cause) {
      if ([...CODES.values(), SignInError].some((Known) => cause instanceof Known)) throw cause;
      throw new SdkError(`${url.pathname} failed`, { cause });
    }
  }

  return {
    get: (path, read, caller) => send(path, {}, read, caller),
    call: (method, request, read, caller) =>
      send(method, { method: 'POST', body: JSON.stringify(request) }, read, caller),
  };
}

async function errorOf(response: Response): Promise<Error> {
  const text = await response.text();
  const code = codeIn(text);
  const Known = code === undefined ? STATUSES.get(response.status) : CODES.get(code);
  return new (Known ?? TypeError)(`status ${response.status}: ${text.slice(0, 500)}`);
}

function codeIn(text: string): unknown {
  try {
    return Object(JSON.parse(text)).code;
  } catch {
    return undefined;
  }
}
