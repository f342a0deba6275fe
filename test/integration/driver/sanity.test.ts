import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { runDriver, temporaryDirectory } from '../../support/driver.ts'

const binary = process.env.CSI_SANITY_BIN

// The conformance suite of the CSI project (kubernetes-csi/csi-test, cmd/csi-sanity).
describe.skipIf(binary === undefined)(
  binary === undefined ? 'csi-sanity (skipped: CSI_SANITY_BIN not set)' : 'csi-sanity',
  () => {
    test.each(['mount', 'block'])('passes with %s volumes', async (accessType) => {
      const directory = await temporaryDirectory()
      const driver = await runDriver(directory.path)
      const run = promisify(execFile)(binary ?? '', [
        ...['-csi.endpoint', driver.endpoint, '-csi.testvolumeaccesstype', accessType],
        ...['-csi.mountdir', join(directory.path, 'mount'), '-csi.stagingdir', join(directory.path, 'stage')],
        ...[
          '-ginkgo.no-color',
          ...(accessType === 'block' && process.getuid?.() !== 0 ? ['-ginkgo.skip=.'] : []),
        ],
      ])
      const { stdout } = await run.catch((error: Error & { stdout?: string }) => {
        throw new Error(error.stdout ?? error.message)
      })
      expect(stdout).toContain('| 0 Failed |')
      await driver.close()
      await directory.remove()
    })
  },
)
