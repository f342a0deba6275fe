import { describe, expect, it, onTestFinished } from 'vitest'
import { UsageError } from '../../../src/lib/errors.ts'
import { silentLog } from '../../../src/lib/log.ts'
import type { Admin } from '../../../src/operator/admin/admin.ts'
import { connectAdmin } from '../../../src/operator/admin/admin-client.ts'
import { serveAdmin } from '../../../src/operator/admin/serve-admin.ts'
import type { Order } from '../../../src/operator/orders/order.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** The admin API of an operator that takes every order but those for `refused`. */
async function start() {
  const directory = temporaryDirectory()
  const ordered: Order[] = []
  const givers: unknown[] = []
  const admin: Partial<Admin> = {
    info: async () => ({ version: '', processID: 1, sources: [], nomadAddr: '', readOnly: false }),
    async order(order, by) {
      givers.push(by)
      if (order.key.endsWith('/refused')) throw new UsageError('it is in use: stop the job first')
      ordered.push(order)
      return 'taken'
    },
  }
  const server = await serveAdmin({ directory, admin: admin as Admin, log: silentLog })
  onTestFinished(() => server.close())
  const client = await connectAdmin(directory)
  if (client === undefined) throw new Error('nobody answers')
  onTestFinished(() => client.close())
  return { ordered, givers, client }
}

describe('an order over the admin socket', () => {
  it('arrives as it was given, and the answer is for the person', async () => {
    const { ordered, client } = await start()
    const order: Order = { type: 'recreate', key: 'Volume/default/set[2]', lostExternalID: 'vol-1' }
    expect(await client.order(order)).toBe('taken')
    expect(ordered).toEqual([order])
  })

  it('names the user that the other side says it is, or nobody', async () => {
    const { givers, client } = await start()
    const order: Order = { type: 'suspend', key: 'Volume/default/data' }
    await client.order(order, { via: 'command', user: 'Zoë\n, as root' })
    await client.order(order)
    expect(givers).toEqual([{ via: 'admin socket', user: 'Zoë, as root' }, { via: 'admin socket' }])
  })

  it('that is refused says why', async () => {
    const { client } = await start()
    await expect(client.order({ type: 'suspend', key: 'Volume/default/refused' })).rejects.toThrow(
      'it is in use: stop the job first',
    )
  })

  it('that is none says what to write, and reaches nobody', async () => {
    const { client, ordered } = await start()
    const wrong = { type: 'destroy', key: 'Volume/default/data' } as unknown as Order
    await expect(client.order(wrong)).rejects.toThrow(/^"destroy" is not an order: write one of suspend/)
    const half = { type: 'detach', key: 'Volume/default/data' } as unknown as Order
    await expect(client.order(half)).rejects.toThrow(/^order detach: "node" is missing: write/)
    expect(ordered).toEqual([])
  })
})
