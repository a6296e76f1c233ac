import { raw } from 'hono/html';
import type { Child, PropsWithChildren } from 'hono/jsx';
import { LANGUAGE, TEXT } from './text.ts';

interface LayoutProps {
  readonly title: string;
  /** The path of the entry in the menu that the page is. */
  readonly entry?: string;
  /** Whether a form was not accepted, which the title of the document says first. */
  readonly isFault?: boolean;
  /** What happened, above the title of the page. */
  readonly message?: Child;
}

const MENU = [
  { path: '/', text: TEXT.list.title },
  { path: '/new', text: TEXT.form.title },
];

/** A page with a menu, a title and content. */
export function Layout({ title, entry, isFault = false, message, children }: PropsWithChildren<LayoutProps>) {
  return (
    <>
      {raw('<!doctype html>')}
      <html lang={LANGUAGE}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>{`${isFault ? `${TEXT.fault.prefix}: ` : ''}${title} – ${TEXT.site}`}</title>
          <link rel="icon" href="data:," />
          <link rel="stylesheet" href="/style.css" />
        </head>
        <body>
          <a class="skip" href="#content">
            {TEXT.skip}
          </a>
          <header class="bar">
            <div class="bar-content">
              <a class="site" href="/">
                {TEXT.site}
              </a>
              <nav aria-label={TEXT.menu}>
                <ul>
                  {MENU.map(({ path, text }) => (
                    <li>
                      <a href={path} aria-current={path === entry ? 'page' : undefined}>
                        {text}
                      </a>
                    </li>
                  ))}
                </ul>
              </nav>
            </div>
          </header>
          <main id="content" tabindex={-1}>
            {message}
            <h1>{title}</h1>
            {children}
          </main>
        </body>
      </html>
    </>
  );
}
