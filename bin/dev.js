#!/usr/bin/env node
// The TypeScript as it stands, by Node's own type stripping: no build and no manifest in between.
import { main } from '../src/cli/main.ts';

main(process.argv.slice(2), { development: true });
