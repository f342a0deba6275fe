import { join } from 'node:path'
import { Client, credentials, status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadContract } from '../../../src/csi/contract.ts'
import {
  listPool,
  mountCapability,
  type RunningDriver,
  runDriver,
  temporaryDirectory,
} from '../../support/driver.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let bytes: Client

beforeEach(async () => {
  directory = await temporaryDirectory()
  driver = await runDriver(directory.path)
  bytes = new Client(driver.endpoint, credentials.createInsecure())
})
afterEach(async () => {
  bytes.close()
  await driver.close()
  await directory.remove()
})

/** CreateVolume with bytes of our choice for a name, which no client of strings can send. */
function createNamed(name: readonly number[]): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = loadContract().controller.CreateVolume
  // Field 1 of the message, of length-delimited type.
  const field = Buffer.from([0x0a, name.length, ...name])
  const rest = requestSerialize({ volumeCapabilities: [mountCapability] })
  return new Promise((resolve, reject) =>
    bytes.makeUnaryRequest(
      path,
      (request: Buffer) => request,
      responseDeserialize,
      Buffer.concat([field, rest]),
      (error, answer) => (error ? reject(error) : resolve(answer)),
    ),
  )
}
const refused = expect.objectContaining({
  code: status.INVALID_ARGUMENT,
  details: expect.not.stringMatching(/.{300}/),
})
const create = (more: object) =>
  driver.client.createVolume({ name: 'data', volumeCapabilities: [mountCapability], ...more })

test('names that are no UTF-8 are refused, instead of being decoded into one another', async () => {
  for (const name of [[0xff], [0xfe], [0xed, 0xa0, 0x80], [0xed, 0xa0, 0x81], [0xc0, 0xaf], [0x61, 0x80]]) {
    await expect(createNamed(name)).rejects.toEqual(refused)
  }
  await createNamed([...Buffer.from('主')])
  expect((await listPool(driver.pool)).volumes).toHaveLength(1)
})

test.each([
  ['a name', { name: 'x'.repeat(129) }],
  ['the character that stands for broken bytes', { name: 'a\ufffd' }],
  ['a map', { parameters: { one: 'x'.repeat(2048), two: 'y'.repeat(2048) } }],
  ['megabytes in a map', { parameters: { one: 'x'.repeat(3_900_000) } }],
  ['secrets', { secrets: { password: 'x'.repeat(4096) } }],
  ['the ID of a source', { volumeContentSource: { volume: { volumeId: 'x'.repeat(100_000) } } }],
  [
    'mount flags',
    {
      volumeCapabilities: [
        {
          mount: { mountFlags: Array.from({ length: 50 }, () => 'x'.repeat(100)) },
          accessMode: mountCapability.accessMode,
        },
      ],
    },
  ],
])('%s beyond the limits of CSI is refused, is not echoed, and nothing is made', async (_title, more) => {
  await expect(create(more)).rejects.toEqual(refused)
  expect((await listPool(driver.pool)).volumes).toEqual([])
})

test('what is just within the limits is taken', async () => {
  const name = 'x'.repeat(128)
  const parameters = { one: 'x'.repeat(2045), two: 'y'.repeat(2045) }
  const { volume } = await create({ name, parameters })
  expect(volume?.volumeId).toBe(name)
  const { nextToken } = await driver.client.listVolumes({ maxEntries: 1 })
  expect(nextToken).toBe('')
  await create({ name: 'y' })
  const first = await driver.client.listVolumes({ maxEntries: 1 })
  const second = await driver.client.listVolumes({ startingToken: first.nextToken })
  expect(second.entries.map((entry) => entry.volume?.volumeId)).toEqual(['y'])
})

test.each([
  ['an ID', (long: string) => driver.client.controllerGetVolume({ volumeId: long })],
  ['an ID to delete', (long: string) => driver.client.deleteVolume({ volumeId: long })],
  ['a snapshot’s ID', (long: string) => driver.client.deleteSnapshot({ snapshotId: long })],
  [
    'a node’s ID',
    (long: string) =>
      driver.client.controllerPublishVolume({
        volumeId: 'data',
        nodeId: long,
        volumeCapability: mountCapability,
      }),
  ],
  [
    'a path',
    (long: string) => driver.client.nodeUnpublishVolume({ volumeId: 'data', targetPath: join('/', long) }),
  ],
])('%s of 100,000 characters is refused, and not echoed', async (_title, call) => {
  await create({})
  await expect(call('x'.repeat(100_000))).rejects.toEqual(refused)
})
