import { html } from 'hono/html';

/** A piece of markup whose values are escaped: what the `html` tag of Hono makes. */
export type Markup = ReturnType<typeof html>;

/** A whole page around its content. */
export function layout(title: string, content: Markup): Markup {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css">
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      ${content}
    </main>
  </body>
</html>
`;
}
