import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { serve } from '../../src/platform/server.ts';
import { ANN, type appWith } from './page.ts';

/** A page in a browser, and the messages of its console. */
export interface Opened {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Serves the application, and opens a page of it over HTTP; by default at an address that browsers trust as they trust TLS. */
export async function open(
  context: TestContext,
  app: ReturnType<typeof appWith>,
  path: string,
  host = '127.0.0.1',
): Promise<Opened> {
  const executablePath = process.env.TEST_CHROMIUM;
  assert.ok(executablePath, 'TEST_CHROMIUM: is required but not set');
  const server = await serve(app, 0);
  context.after(() => server.stop(1));
  const args = [`--host-resolver-rules=MAP ${host} 127.0.0.1`];
  const browser = await chromium.launch({ executablePath, args });
  context.after(() => browser.close());
  const page = await browser.newPage({ extraHTTPHeaders: ANN });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`http://${host}:${server.port}${path}`);
  return { page, complaints };
}
