import { Layout } from './layout.tsx';
import { TEXT } from './text.ts';

/** An error page. The text must be safe to show. */
export function problem(title: string, text: string) {
  return (
    <Layout title={title}>
      <p>{text}</p>
      <p class="actions">
        <a href="/">{TEXT.problem.home}</a>
      </p>
    </Layout>
  );
}
