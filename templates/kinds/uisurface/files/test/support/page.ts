import './jsx.ts';
import { pino } from 'pino';
import type { Services } from '../../src/app.ts';
import type { Sdk } from '../../src/sdk/sdk.ts';

// Imported when the line above has run.
const { createApp } = await import('../../src/app.ts');

/** The headers that the authenticating proxy sets. */
export const ANN = { 'tenant-id': 'acme', 'subject-id': 'ann' };

/** The visible part of a response: its status and the lines of text in `<main>`. */
export interface Seen {
  readonly status: number;
  readonly text: readonly string[];
}

/** Creates the application, by default without a log. */
export function appWith(sdk: Sdk, services: Partial<Services> = {}) {
  return createApp({
    sdk,
    sdkTimeoutSeconds: 5,
    acceptProxy: { by: 'anyone', tenant: 'acme' },
    signIn: { url: undefined, anonymousTenant: undefined },
    lifecycle: { draining: false },
    log: pino({ enabled: false }),
    ...services,
  });
}

/** Reads the text in `<main>`: no tags, entities decoded. */
export async function see(response: Response): Promise<Seen> {
  const [, main = ''] = /<main[^>]*>(.*)<\/main>/s.exec(await response.text()) ?? [];
  const lines = main.replaceAll(/<[^>]*>/g, '\n').split('\n');
  const text = lines.map((line) => decode(line.trim())).filter((line) => line !== '');
  return { status: response.status, text };
}

function decode(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
