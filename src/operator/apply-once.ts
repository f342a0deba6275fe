import { UsageError } from '../lib/errors.ts'
import { silentLog } from '../lib/log.ts'
import type { Admin } from './admin/admin.ts'
import { connectAdmin } from './admin/admin-client.ts'
import { runOperator } from './operator.ts'
import type { OperatorSettings } from './settings.ts'
import { sourceName } from './sources/open-sources.ts'

/**
 * Opens the operator that makes everything as declared: the one that runs on the directory, or else one of this
 * process's own.
 * @param source the folders that are named; undefined: whatever the running operator reads
 * @throws UsageError where the running operator reads something else or may not write, and where nothing says
 * which folder
 */
export async function openOperatorOnce(
  directory: string,
  source: readonly string[] | undefined,
  settingsFor: (source: readonly string[]) => OperatorSettings,
): Promise<{ readonly admin: Admin; close(): Promise<void> }> {
  const running = await connectAdmin(directory)
  if (running === undefined) {
    if (source === undefined)
      throw new UsageError('no folder is named: write mooring apply FOLDER, or give --source')
    return runOperator(settingsFor(source), { log: silentLog })
  }
  try {
    await assertReads(running, source ?? [])
    return { admin: running, close: running.close }
  } catch (error) {
    await running.close()
    throw error
  }
}

async function assertReads(running: Admin, source: readonly string[]): Promise<void> {
  const { sources, readOnly, processID } = await running.info()
  if (readOnly) {
    throw new UsageError(
      `the operator that runs here (process ${processID}) is --read-only, so nothing is applied: end it, or give another --data-dir`,
    )
  }
  if (source.map(sourceName).every((name) => sources.includes(name))) return
  throw new UsageError(
    `an operator runs here (process ${processID}) and reads ${sources.join(', ')}: change that, or give another --data-dir`,
  )
}
