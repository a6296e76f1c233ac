import type { OutputStream } from '../app/environment.ts';
import { createStyle, type Style } from '../render/style.ts';

/** The style for a stream; on a terminal it wraps lines, which is loaded for terminals alone. */
export async function styleOf({ color, columns }: OutputStream): Promise<Style> {
  if (columns === undefined) return createStyle(color);
  const { hangWithin } = await import('../render/wrap.ts');
  return createStyle(color, hangWithin(columns));
}
