import { Node } from '../../wire/node.ts'
import type { ServerContext } from '../context.ts'
import { notFound } from '../errors.ts'
import { answerFields, planPage } from '../filter/list-page.ts'
import type { Resource } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseReadOptions } from '../http/read-options.ts'
import { presentAllocationWithJob } from '../node/present-allocation.ts'
import { presentNode, presentNodeStub } from '../node/present-node.ts'

const nodeFields = answerFields(Node)

/** Nodes: this machine, which changes as its plugins do. */
export function nodeRoutes({ state, node }: ServerContext, blocking: RunBlockingQuery): Resource[] {
  const topics = ['csi_plugins']
  const index = () => state.index('csi_plugins')
  return [
    {
      path: '/v1/nodes',
      GET: ({ query, signal }) => {
        const options = parseReadOptions(query)
        const takePage = planPage(options, nodeFields, ({ ID }) => ID)
        const answer = (index: number) => {
          const nodes = node.id.startsWith(options.prefix) ? [presentNode(state, node)] : []
          const { page, nextToken } = takePage(nodes)
          return { body: page.map(() => presentNodeStub(state, node)), index, nextToken }
        }
        return blocking({ options, topics, index, answer }, signal)
      },
    },
    {
      path: '/v1/node/:id',
      GET: ({ params, query, signal }) => {
        if (params.id !== node.id) throw notFound('node not found', index())
        const answer = (index: number) => ({ body: presentNode(state, node), index })
        return blocking({ options: parseReadOptions(query), topics, index, answer }, signal)
      },
    },
    {
      path: '/v1/node/:id/allocations',
      GET: ({ params, query, access, signal }) => {
        const index = () => state.index('csi_claims')
        if (params.id !== node.id) throw notFound('node not found', index())
        const answer = (index: number) => ({
          body: state.csi_claims
            .list()
            .filter((claim) => access.allows(claim.namespace, 'read-job'))
            .map((claim) => presentAllocationWithJob(claim, node)),
          index,
        })
        return blocking({ options: parseReadOptions(query), topics: ['csi_claims'], index, answer }, signal)
      },
    },
  ]
}
