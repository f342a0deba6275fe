import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { runDriver, temporaryDirectory } from '../../support/driver.ts'

const binary = process.env.CSI_SANITY_BIN ?? ''
const isRoot = process.getuid?.() === 0

/** The conformance suite of the CSI project (kubernetes-csi/csi-test, cmd/csi-sanity), whole. */
async function runSanity(accessType: 'mount' | 'block'): Promise<string> {
  const directory = await temporaryDirectory()
  const driver = await runDriver(directory.path)
  try {
    const { stdout } = await promisify(execFile)(binary, [
      ...['-csi.endpoint', driver.endpoint, '-csi.testvolumeaccesstype', accessType],
      ...['-csi.mountdir', join(directory.path, 'mount'), '-csi.stagingdir', join(directory.path, 'stage')],
      '-ginkgo.no-color',
    ]).catch((error: Error & { stdout?: string }) => {
      throw new Error(error.stdout ?? error.message)
    })
    return stdout
  } finally {
    await driver.close()
    await directory.remove()
  }
}

describe.skipIf(binary === '')(
  binary === '' ? 'csi-sanity (skipped: CSI_SANITY_BIN not set)' : 'csi-sanity',
  () => {
    test('passes with directories', async () => {
      expect(await runSanity('mount')).toContain('| 0 Failed |')
    })

    // Block volumes need loop devices, which take root.
    test.skipIf(!isRoot)('passes with block volumes', async () => {
      expect(await runSanity('block')).toContain('| 0 Failed |')
    })
  },
)
