import { pino } from 'pino';
import { createApp, type Services } from '../../src/app.ts';
import type { Sdk } from '../../src/sdk/sdk.ts';

/** What lets people in says who asks. */
export const ANN = { 'tenant-id': 'acme', 'subject-id': 'ann' };

/** What a person gets to see of a response: its status, and the lines of text in the main part of the page. */
export interface Seen {
  readonly status: number;
  readonly text: readonly string[];
}

/** The application in this process, without a log unless the test brings one. */
export function appWith(sdk: Sdk, services: Partial<Services> = {}) {
  return createApp({
    sdk,
    sdkTimeoutSeconds: 5,
    signIn: { url: undefined, anonymousTenant: undefined },
    lifecycle: { draining: false },
    log: pino({ enabled: false }),
    ...services,
  });
}

/** Reads a page as a person does: no tags, entities as their characters. What is around `<main>` is yours. */
export async function see(response: Response): Promise<Seen> {
  const [, main = ''] = /<main>(.*)<\/main>/s.exec(await response.text()) ?? [];
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
