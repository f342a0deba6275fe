import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
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
  const mutable = join(directory.path, 'mutable-parameters.yaml')
  await writeFile(mutable, 'live: allow\n')
  try {
    const { stdout } = await promisify(execFile)(binary, [
      ...['-csi.endpoint', driver.endpoint, '-csi.testvolumeaccesstype', accessType],
      ...['-csi.mountdir', join(directory.path, 'mount'), '-csi.stagingdir', join(directory.path, 'stage')],
      ...['-csi.testvolumemutableparameters', mutable, '-ginkgo.no-color', '-ginkgo.v'],
    ]).catch((error: Error & { stdout?: string }) => {
      throw new Error(error.stdout ?? error.message)
    })
    return stdout
  } finally {
    await driver.close()
    await directory.remove()
  }
}

/** What a directory cannot do, in the suite's words. */
const skipped = [
  // Nothing limits how many volumes a node has.
  'testnodevolumeattachlimit not enabled',
  // A symbolic link enforces nothing.
  ...(isRoot ? [] : ['ControllerPublishVolume.readonly field not supported']),
]
const reasonsOf = (output: string) =>
  [...output.matchAll(/^ +\[SKIPPED\] (?!in )(.*)$/gm)].map(([, reason]) => reason)

describe.skipIf(binary === '')(
  binary === '' ? 'csi-sanity (skipped: CSI_SANITY_BIN not set)' : 'csi-sanity',
  () => {
    test('passes with directories, and skips only what a directory cannot do', async () => {
      const output = await runSanity('mount')
      expect(output).toContain('| 0 Failed |')
      expect(reasonsOf(output)).toEqual(skipped)
    })

    // Block volumes need loop devices, which take root.
    test.skipIf(!isRoot)('passes with block volumes, and skips only what they cannot do', async () => {
      const output = await runSanity('block')
      expect(output).toContain('| 0 Failed |')
      expect(reasonsOf(output)).toEqual(skipped)
    })
  },
)
