import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { serve } from '../../src/server.ts';
import { FakeSdk } from '../support/fake-sdk.ts';
import { ANN, appWith } from '../support/page.ts';

const NAME = 'orders';

test('the home page works in a browser', async (context) => {
  const executablePath = process.env.TEST_CHROMIUM;
  assert.ok(executablePath, 'TEST_CHROMIUM: is required but not set');
  const server = await serve(appWith(new FakeSdk([{ id: '1', title: 'First & <b>foremost</b>' }])), 0);
  context.after(() => server.stop(1));
  const browser = await chromium.launch({ executablePath });
  context.after(() => browser.close());
  const page = await browser.newPage({ extraHTTPHeaders: ANN });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));

  const response = await page.goto(`http://127.0.0.1:${server.port}/`);

  const text = await page.locator('main').locator('h1, li, p').allTextContents();
  const got = { status: response?.status(), title: await page.title(), text, complaints };
  assert.deepEqual(got, {
    status: 200,
    title: NAME,
    text: [NAME, 'First & <b>foremost</b>'],
    complaints: [],
  });
});
