import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { RecordConflictError, type RecordStore } from '../../../../src/operator/inventory/record-store.ts'
import { createVariableStore } from '../../../../src/operator/inventory/variable-records.ts'
import { createFakeRecordStore } from '../../../fakes/record-store.ts'
import { type NomadAgent, nomadBinary, startNomadAgent } from '../../../helpers/nomad-agent.ts'
import { connect, startNomadVariables } from '../../../helpers/nomad-variables.ts'

let agent: NomadAgent | undefined
beforeAll(async () => {
  if (nomadBinary === '') return undefined
  agent = await startNomadAgent()
  return agent.close
})

const implementations: readonly {
  readonly name: string
  readonly skip?: boolean
  readonly create: () => Promise<RecordStore>
}[] = [
  { name: 'the fake', create: async () => createFakeRecordStore() },
  {
    name: "Nomad Variables, by a double of Nomad's API",
    async create() {
      const { client } = await startNomadVariables()
      return createVariableStore(client, {
        namespace: 'default',
        prefix: 'mooring/test/',
        exclude: ['leader'],
      })
    },
  },
  {
    name:
      nomadBinary === ''
        ? 'Nomad Variables of a real agent (skipped: NOMAD_BIN not set)'
        : 'Nomad Variables of a real agent',
    skip: nomadBinary === '',
    create: async () =>
      createVariableStore(connect(agent?.address ?? ''), {
        namespace: 'default',
        prefix: `mooring/${randomUUID()}/`,
        exclude: ['leader'],
      }),
  },
]

describe.each(implementations)('a record store: $name', ({ create, skip = false }) => {
  test.skipIf(skip)('gives back what was written, and nothing that was removed', async () => {
    const store = await create()
    expect(await store.load()).toEqual([])
    expect(await store.read('volume/aa')).toBeUndefined()
    const first = await store.write('volume/aa', '{"é":"\\u0000 ü"}', undefined)
    const second = await store.write('volume/aa', 'two', first)
    await store.write('hash-key', 'key', undefined)
    expect(second).not.toBe(first)
    expect(await store.read('volume/aa')).toEqual({ name: 'volume/aa', text: 'two', version: second })
    expect((await store.load()).map(({ name, text }) => `${name} ${text}`).sort()).toEqual([
      'hash-key key',
      'volume/aa two',
    ])
    await store.remove('volume/aa', second)
    await store.remove('volume/aa', second)
    expect((await store.load()).map(({ name }) => name)).toEqual(['hash-key'])
  })

  test.skipIf(skip)('refuses to write over, create anew or remove what another process wrote', async () => {
    const store = await create()
    const first = await store.write('volume/aa', 'one', undefined)
    const second = await store.write('volume/aa', 'two', first)
    await expect(store.write('volume/aa', 'late', first)).rejects.toThrow(RecordConflictError)
    await expect(store.write('volume/aa', 'late', undefined)).rejects.toThrow(RecordConflictError)
    await expect(store.write('volume/bb', 'late', first)).rejects.toThrow(RecordConflictError)
    await expect(store.remove('volume/aa', first)).rejects.toThrow(RecordConflictError)
    expect(await store.read('volume/aa')).toMatchObject({ text: 'two', version: second })
  })

  test.skipIf(skip)('takes a text as long as it says, and hundreds of them', async () => {
    const store = await create()
    await store.write('volume/long', 'x'.repeat(store.maxTextBytes), undefined)
    expect((await store.read('volume/long'))?.text).toHaveLength(store.maxTextBytes)
    const names = Array.from({ length: 600 }, (_, index) => `snapshot/${String(index).padStart(40, '0')}`)
    for (let from = 0; from < names.length; from += 50) {
      await Promise.all(names.slice(from, from + 50).map((name) => store.write(name, name, undefined)))
    }
    expect((await store.load()).map(({ name }) => name).sort()).toEqual([...names, 'volume/long'].sort())
  })
})
