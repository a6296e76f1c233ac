import { tool } from '../tools/locate.ts';
import { run } from './services/run.ts';

/** What was compiled before, for a program with a home folder of its own. */
export async function goCaches(): Promise<{ readonly GOMODCACHE: string; readonly GOCACHE: string }> {
  const lines = await run(tool('go'), ['env', 'GOMODCACHE', 'GOCACHE']);
  const [GOMODCACHE = '', GOCACHE = ''] = lines.split('\n');
  return { GOMODCACHE, GOCACHE };
}
