import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { temporaryDirectory } from './temporary-directory.ts'

/** A date for processes that a test starts with `environment`, as when a person or NTP sets the clock of their machine. */
export function settableDate() {
  const file = join(temporaryDirectory(), 'date')
  const set = (aheadMs: number) => writeFileSync(file, String(aheadMs))
  set(0)
  const environment = {
    NODE_OPTIONS: `--import=${pathToFileURL(resolve('test/support/settable-date.ts'))}`,
    MOORING_TEST_DATE_FILE: file,
  }
  return { set, environment }
}
