import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildInto } from '../../dashboard/build.ts'

/** Builds the page into a directory of its own, so that tests beside each other do not disturb one another. */
export async function buildAside(): Promise<{ directory: string; remove: () => void }> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-test-'))
  await buildInto(directory)
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
