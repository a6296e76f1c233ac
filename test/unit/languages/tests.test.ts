import { describe, expect, test } from 'vitest';
import { isTest } from '../../../src/languages/all.ts';

describe('what a test file is', () => {
  test.each([
    // go test builds `*_test.go`; the go tool passes over `testdata`.
    'internal/store/store_test.go',
    'internal/testdata/x.go',
    'internal/testdata/orders.json',
    'testdata/page.ts',
    // pytest collects `test_*.py` and `*_test.py`, loads `conftest.py`, and describes the folder `tests`.
    'conftest.py',
    'src/acme/conftest.py',
    'integration/test_postgres.py',
    'src/acme/models_test.py',
    'tests/support.py',
    'src/acme/tests/factories.py',
    // Jest and Vitest take `.test`, `.spec` and `__tests__`; node --test takes `test/`.
    'src/home.test.ts',
    'src/home.spec.tsx',
    'src/app.test.mjs',
    'src/__tests__/home.tsx',
    'src/__tests__/__snapshots__/home.tsx.snap',
    'test/support/server.ts',
    'tests/login.ts',
    'packages/web/test/server.ts',
    // No convention is known for other files: the folder tells.
    'test/fixtures/orders.yaml',
    'src/test/java/OrdersTest.java',
    'tests/seed.sql',
  ])('%s is one', (path) => {
    expect(isTest(path)).toBe(true);
  });

  test.each([
    // Go builds what is in these folders into the product.
    'internal/test/db.go',
    'test/server.go',
    'tests/server.go',
    'internal/integration/client.go',
    'internal/store/test_store.go',
    'internal/store/conftest.go',
    '__tests__/a.go',
    // pytest knows no folder `test` or `integration`, and reads no `.test.py`.
    'src/acme/test/db.py',
    'test/db.py',
    'src/acme/integration/db.py',
    'integration/db.py',
    'src/acme/contest.py',
    'src/acme/testing.py',
    'src/acme/home.test.py',
    // What is below `src` is bundled.
    'src/test/db.ts',
    'src/features/tests/db.ts',
    'packages/web/src/test/db.ts',
    'integration/db.ts',
    'src/latest.ts',
    'src/home_test.ts',
    'src/test.ts',
    'internal/data/orders.json',
    'contest/orders.yaml',
  ])('%s is none', (path) => {
    expect(isTest(path)).toBe(false);
  });
});
