import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

/** A directory of this test's own, gone when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A directory of this file's own, gone after its tests. */
export function suiteDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
