import { readFile } from 'node:fs/promises';
import type { Caller } from './calls.ts';
import { currentTrace } from './telemetry.ts';

/** Returns the headers of a call to a service. */
export type CallHeaders = (caller: Caller) => Promise<Headers>;

/**
 * Makes the headers with caller, trace and service token. The token file is read for each call, because orchestrators
 * rotate it.
 */
export function callHeaders(tokenFile: string | undefined): CallHeaders {
  return async ({ tenant, subject, ...trace }) => {
    // The call is a span of its own, if spans are recorded.
    const { traceparent, tracestate } = currentTrace() ?? trace;
    const headers = new Headers({ 'tenant-id': tenant, traceparent });
    if (subject !== undefined) headers.set('subject-id', subject);
    if (tracestate !== undefined) headers.set('tracestate', tracestate);
    if (tokenFile !== undefined) {
      headers.set('authorization', `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`);
    }
    return headers;
  };
}
