import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from '../support/services/run.ts';
import type { BenchTable } from './table.ts';

/** The design system that the pages of a surface are compared with (MIT); it is fetched, and no part of this repository. */
const GOVUK = 'govuk-frontend@6.6.0';
const BROWSER = 'playwright-core@1.65.1';
const SCREENSHOTS = join(import.meta.dirname, '../../screenshots');

const TITLES = ['A red bicycle', 'Spare tyre, 28 inch', `A bell ${'for a very long bicycle '.repeat(7)}`];

const field = (value: string, fault = '') => `
<form method="post"><div class="govuk-form-group${fault && ' govuk-form-group--error'}">
  <label class="govuk-label" for="title">Title</label>
  <div id="hint" class="govuk-hint">Up to 200 characters</div>
  ${fault && `<p id="fault" class="govuk-error-message"><span class="govuk-visually-hidden">Error:</span> ${fault}</p>`}
  <input class="govuk-input${fault && ' govuk-input--error'}" id="title" value="${value}" aria-describedby="hint">
</div><button type="submit" class="govuk-button">Create</button></form>`;
const summary = (text: string) => `
<div class="govuk-error-summary"><div role="alert"><h2 class="govuk-error-summary__title">There is a problem</h2>
<div class="govuk-error-summary__body"><ul class="govuk-list govuk-error-summary__list"><li>${text}</li></ul></div></div></div>`;
const created = `
<div class="govuk-notification-banner govuk-notification-banner--success" role="alert">
<div class="govuk-notification-banner__header"><h2 class="govuk-notification-banner__title">Success</h2></div>
<div class="govuk-notification-banner__content"><p class="govuk-notification-banner__heading">The order was created.</p></div></div>`;
const pair = (term: string, value: string) =>
  `<div class="govuk-summary-list__row"><dt class="govuk-summary-list__key">${term}</dt><dd class="govuk-summary-list__value">${value}</dd></div>`;
const details = `<h1 class="govuk-heading-l">A red bicycle</h1>
<dl class="govuk-summary-list">${pair('Created', '5 March 2030, 2:07pm')}${pair('Reference', '7H2K0M4XQ8R1V5T9W3Y6ZB0')}</dl>
<a class="govuk-button">Rename</a><p class="govuk-body"><a class="govuk-link" href="#">All orders</a></p>`;
const row = (title: string) =>
  `<tr class="govuk-table__row"><th scope="row" class="govuk-table__header govuk-!-font-weight-regular"><a class="govuk-link" href="#">${title}</a></th><td class="govuk-table__cell">5 March 2030</td></tr>`;
const heading = (text: string) => `<h1 class="govuk-heading-l">${text}</h1>`;
const start = '<a class="govuk-button">New order</a>';

/** The pages of a surface as GOV.UK has them, by the names of our screenshots. */
const PAGES: Readonly<Record<string, string>> = {
  list: `${heading('Orders')}${start}
<table class="govuk-table"><thead class="govuk-table__head"><tr class="govuk-table__row"><th scope="col" class="govuk-table__header">Title</th><th scope="col" class="govuk-table__header">Created</th></tr></thead>
<tbody class="govuk-table__body">${TITLES.map(row).join('')}</tbody></table>
<nav class="govuk-pagination" aria-label="Pagination"><div class="govuk-pagination__next"><a class="govuk-link govuk-pagination__link" href="#" rel="next"><span class="govuk-pagination__link-title">Next page</span></a></div></nav>`,
  'list-empty': `${heading('Orders')}${start}<p class="govuk-body">There are no orders yet.</p>`,
  new: `${heading('New order')}${field('')}`,
  'new-invalid': `${summary('<a href="#title">Enter a title</a>')}${heading('New order')}${field('', 'Enter a title')}`,
  'new-unsure': `${summary('We do not know if the order was created. You can send the form again: it is created only once.')}${heading('New order')}${field('Slow')}`,
  details,
  created: `${created}${details}`,
  missing: `${heading('Page not found')}<p class="govuk-body">This page does not exist, or you cannot see it.</p><p class="govuk-body"><a class="govuk-link" href="#">Go to the start page</a></p>`,
};

const page = (css: string, content: string) => `<!doctype html>
<html lang="en" class="govuk-template govuk-template--rebranded"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="${css}"></head>
<body class="govuk-template__body"><div class="govuk-service-navigation"><div class="govuk-width-container"><div class="govuk-service-navigation__container">
<span class="govuk-service-navigation__service-name"><a href="#" class="govuk-service-navigation__link">Orders</a></span>
<nav class="govuk-service-navigation__wrapper" aria-label="Menu"><ul class="govuk-service-navigation__list">
<li class="govuk-service-navigation__item govuk-service-navigation__item--active"><a class="govuk-service-navigation__link" href="#" aria-current="page">Orders</a></li>
<li class="govuk-service-navigation__item"><a class="govuk-service-navigation__link" href="#">New order</a></li></ul></nav></div></div></div>
<div class="govuk-width-container"><main class="govuk-main-wrapper"><div class="govuk-grid-row"><div class="govuk-grid-column-two-thirds">${content}</div></div></main></div></body></html>`;

/** Leaves pictures of the pages of a surface as GOV.UK has them, beside ours of `surface-pages.test.ts`. */
export async function bench(): Promise<BenchTable> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-surface-'));
  try {
    await run('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-save', GOVUK, BROWSER]);
    await mkdir(SCREENSHOTS, { recursive: true });
    const css = pathToFileURL(
      join(folder, 'node_modules/govuk-frontend/dist/govuk/govuk-frontend.min.css'),
    ).href;
    const { chromium } = createRequire(join(folder, 'package.json'))('playwright-core');
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium' });
    const view = await browser.newPage();
    for (const [name, content] of Object.entries(PAGES)) {
      const file = join(folder, `${name}.html`);
      await writeFile(file, page(css, content));
      for (const width of [375, 1280]) {
        await view.setViewportSize({ width, height: 720 });
        await view.goto(pathToFileURL(file).href);
        await view.screenshot({ path: join(SCREENSHOTS, `${name}-${width}-govuk.png`), fullPage: true });
      }
    }
    await browser.close();
    return {
      title: `Pages of a surface as ${GOVUK} has them`,
      rows: [
        ['page', 'pictures'],
        ...Object.keys(PAGES).map((name) => [name, `${name}-{375,1280}-govuk.png`]),
      ],
      notes: [
        'in screenshots/, beside those of test/integration/kinds/surface-pages.test.ts; GOV.UK has no dark mode',
        'by people: headings, spaces, labels and hints, errors, focus, tables, empty lists, sizes of targets, contrast',
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
