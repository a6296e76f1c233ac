import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kindOf, nodeModules, reference, scaffold, writeFiles } from './python-ts-kinds-workbench.ts';

/** What is used of the browser that the surface's own tests use. */
interface Page {
  goto(url: string): Promise<unknown>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  emulateMedia(media: { colorScheme: 'light' | 'dark' }): Promise<void>;
  waitForEvent(event: 'load'): Promise<unknown>;
  setExtraHTTPHeaders(headers: Record<string, string>): Promise<void>;
  getByLabel(label: string): { fill(text: string): Promise<void>; press(key: string): Promise<void> };
  evaluate(script: string): Promise<unknown>;
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
}

/** A rule of axe that a page breaks, and the elements. */
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

const SCREENSHOTS = join(import.meta.dirname, '../../../screenshots');
const CALLER = { 'tenant-id': 'acme', 'subject-id': 'ann' };
const TITLES = ['A red bicycle', 'Spare tyre, 28 inch', `A bell ${'for a very long bicycle '.repeat(7)}`];

let folder: string;
let origin: string;
let page: Page;
const started = new AsyncDisposableStack();
afterAll(() => started.disposeAsync());

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surface-pages-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  await mkdir(SCREENSHOTS, { recursive: true });
  const kind = await kindOf('uisurface');
  const files = new Map([...(await scaffold(kind, 'orders')), ...(await reference(kind, 'orders'))]);
  await writeFiles(folder, files);
  const [manifest, lock] = ['package.json', 'package-lock.json'].map((path) => files.get(path)?.bytes);
  if (manifest === undefined || lock === undefined) throw new Error('the kind writes no manifest');
  await symlink(await nodeModules(manifest, lock), join(folder, 'node_modules'));
  origin = await startSurface(await startServices());
  const { chromium } = createRequire(join(folder, 'package.json'))('playwright-core');
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium' });
  started.defer(() => browser.close());
  page = await browser.newPage();
  await page.setExtraHTTPHeaders(CALLER);
});

/** Doubles of a projection and a domain: three orders, and titles that make the domain fail. Gives their URL. */
async function startServices(): Promise<string> {
  const orders = TITLES.map((title, nth) => ({
    id: `7H2K0M4XQ8R1V5T9W3Y6ZB${nth}`,
    title,
    created: new Date(Date.UTC(2030, 2, 5 - nth, 14, 7)).toISOString(),
  }));
  const service = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const body = JSON.parse((await text(request)) || '{}');
    const answer = (status: number, content: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    };
    const one = orders.find(({ id }) => id === body.id);
    if (pathname === '/orders') {
      const rows = searchParams.get('after') === 'last' ? [] : orders;
      return answer(200, { orders: rows, ...(rows.length > 0 && { next: 'last' }) });
    }
    if (body.title === 'Slow') return answer(503, { code: 'unavailable' });
    if (body.title === 'Used') return answer(409, { code: 'already_exists' });
    if (pathname.endsWith('.OrdersService/RenameOrder')) return answer(409, { code: 'aborted' });
    if (one === undefined) return answer(404, { code: 'not_found' });
    answer(200, { order: { id: one.id, title: one.title, version: '1', createTime: one.created } });
  }).listen(0, '127.0.0.1');
  started.defer(() => {
    service.close();
    service.closeAllConnections();
  });
  await once(service, 'listening');
  return `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;
}

async function startSurface(services: string): Promise<string> {
  const child = spawn(process.execPath, ['--import', './test/support/jsx.ts', 'src/main.ts'], {
    cwd: folder,
    env: { PORT: '0', COMMANDS_URL: services, QUERIES_URL: services, ACCEPT_PROXY: 'anyone:acme' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.defer(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  for await (const line of createInterface(child.stdout)) {
    const port = /"port":(\d+)/.exec(line)?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}`;
  }
  throw new Error('the surface ended');
}

const go = (path: string) => () => page.goto(`${origin}${path}`);
const ONE = '/orders/7H2K0M4XQ8R1V5T9W3Y6ZB0';

/** Fills in the form at a path, and sends it by the keyboard. */
const send = (path: string, title: string) => async () => {
  await page.goto(`${origin}${path}`);
  await page.getByLabel('Title').fill(title);
  const loaded = page.waitForEvent('load');
  await page.getByLabel('Title').press('Enter');
  await loaded;
};

/** All pages and their states, by the name of the screenshot: the title that the browser shows, and how one gets there. */
const PAGES: Readonly<Record<string, readonly [title: string, open: () => Promise<unknown>]>> = {
  list: ['Orders – Orders', go('/')],
  'list-empty': ['Orders – Orders', go('/?after=last')],
  new: ['New order – Orders', go('/new')],
  'new-invalid': ['Error: New order – Orders', send('/new', ' ')],
  'new-unsure': ['Error: New order – Orders', send('/new', 'Slow')],
  'new-used': ['Error: New order – Orders', send('/new', 'Used')],
  details: ['A red bicycle – Orders', go(ONE)],
  created: ['A red bicycle – Orders', go(`${ONE}?done=created`)],
  edit: ['Rename order – Orders', go(`${ONE}/edit`)],
  'edit-changed': ['Error: Rename order – Orders', send(`${ONE}/edit`, 'A blue bicycle')],
  missing: ['Page not found – Orders', go('/orders/unknown')],
  'sign-in': [
    'Sign in – Orders',
    async () => {
      await page.setExtraHTTPHeaders({});
      await page.goto(`${origin}/`);
      await page.setExtraHTTPHeaders(CALLER);
    },
  ],
};

/** What a finger cannot hit well: links, buttons and inputs of less than 44 px. */
const SMALL_TARGETS = `[...document.querySelectorAll('a, button, input:not([type=hidden])')]
  .filter((one) => one.getBoundingClientRect().height < 44)
  .map((one) => one.outerHTML)`;

test.each(Object.entries(PAGES))(
  'axe finds nothing on the page %s, on a phone and a desk, light and dark, and no target is small',
  async (name, [title, open]) => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const found: unknown[] = [];
    for (const width of [375, 1280]) {
      await page.setViewportSize({ width, height: 720 });
      await open();
      expect(await page.evaluate('document.title')).toBe(title);
      expect(await page.evaluate(SMALL_TARGETS)).toEqual([]);
      // What went wrong is read first. The browser moves the focus once it has drawn the page.
      await expect
        .poll(() => page.evaluate('document.activeElement.role'))
        .toBe(title.startsWith('Error: ') ? 'alert' : null);
      await page.evaluate(axe);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const { violations } = (await page.evaluate(`axe.run({ resultTypes: ['violations'] })`)) as {
          violations: readonly Violation[];
        };
        found.push(...violations.map(({ id, nodes }) => ({ width, colorScheme, id, nodes })));
        const path = join(SCREENSHOTS, `${name}-${width}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
      }
    }
    expect(found).toEqual([]);
  },
);
