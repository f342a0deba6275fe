import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadContract } from '../../../src/csi/contract.ts'
import { createPluginClient, type PluginClient } from '../../../src/csi/plugin-client.ts'

let directory: string
let server: Server
let client: PluginClient

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mooring-csi-'))
  server = new Server()
  client = createPluginClient({ pluginID: 'fake', endpoint: `unix://${directory}/s`, connectTimeoutMs: 500 })
})

afterEach(async () => {
  client.close()
  server.forceShutdown()
  await rm(directory, { recursive: true })
})

const listen = () =>
  new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${directory}/s`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  )

test('carries 64-bit integers both ways without loss', async () => {
  const { controller } = loadContract()
  server.addService(controller, {
    CreateVolume: (
      call: { request: { capacityRange: { requiredBytes: bigint } } },
      reply: CallableFunction,
    ) => reply(null, { volume: { volumeId: 'v', capacityBytes: call.request.capacityRange.requiredBytes } }),
  })
  await listen()
  const answer = await client.createVolume({ name: 'v', capacityRange: { requiredBytes: 2n ** 62n + 1n } })
  expect(answer.volume?.capacityBytes).toBe(2n ** 62n + 1n)
})

test('gives the code and the class of a refusal', async () => {
  const { controller } = loadContract()
  server.addService(controller, {
    DeleteVolume: (_call: unknown, reply: CallableFunction) =>
      reply({ code: status.FAILED_PRECONDITION, details: 'in use' }),
  })
  await listen()
  await expect(client.deleteVolume({ volumeId: 'v' })).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    codeName: 'FAILED_PRECONDITION',
    errorClass: 'failed',
    kind: 'permanent',
    details: 'in use',
  })
})

test('says of a plugin that is not there that nothing was sent', async () => {
  await expect(client.probe({})).rejects.toMatchObject({
    code: status.UNAVAILABLE,
    errorClass: 'retry-later',
  })
})
