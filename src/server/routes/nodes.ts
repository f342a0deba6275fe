import { Node, NodePool } from '../../wire/node.ts'
import type { ServerContext } from '../context.ts'
import { notFound } from '../errors.ts'
import { answerFields, planPage } from '../filter/list-page.ts'
import type { Resource } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseReadOptions } from '../http/read-options.ts'
import { presentAllocationWithJob } from '../node/present-allocation.ts'
import { presentNode, presentNodeStub } from '../node/present-node.ts'

const nodeFields = answerFields(Node)
const poolFields = answerFields(NodePool)

/** The two that every Nomad has. The one node there is stands in both. */
const nodePools: readonly NodePool[] = [
  ['all', 'Node pool with all nodes in the cluster.'] as const,
  ['default', 'Default node pool.'] as const,
].map(([Name, Description]) => ({
  Name,
  Description,
  Meta: null,
  SchedulerConfiguration: null,
  CreateIndex: 1,
  ModifyIndex: 1,
}))

function requirePool(name: string | undefined): NodePool {
  const pool = nodePools.find(({ Name }) => Name === name)
  if (pool === undefined) throw notFound('node pool not found')
  return pool
}

/** Nodes: this machine, which changes as its plugins do. */
export function nodeRoutes(
  { state, node, hostVolumes }: ServerContext,
  blocking: RunBlockingQuery,
): Resource[] {
  const topics = ['csi_plugins', 'host_volumes']
  const index = () => Math.max(state.index('csi_plugins'), state.index('host_volumes'))
  return [
    {
      path: '/v1/nodes',
      GET: ({ query, signal }) => {
        const options = parseReadOptions(query)
        const takePage = planPage(options, nodeFields, ({ ID }) => ID)
        const answer = (index: number) => {
          const nodes = node.id.startsWith(options.prefix)
            ? [presentNode(state, node, hostVolumes.versions())]
            : []
          const { page, nextToken } = takePage(nodes)
          return { body: page.map(() => presentNodeStub(state, node)), index, nextToken }
        }
        return blocking({ options, topics, index, answer }, signal)
      },
    },
    {
      path: '/v1/node/pools',
      GET: ({ query, signal }) => {
        const options = parseReadOptions(query)
        const takePage = planPage(options, poolFields, ({ Name }) => Name)
        const answer = (index: number) => {
          const { page, nextToken } = takePage(
            nodePools.filter(({ Name }) => Name.startsWith(options.prefix)),
          )
          return { body: page, index, nextToken }
        }
        return blocking({ options, topics: [], index: () => 1, answer }, signal)
      },
    },
    { path: '/v1/node/pool/:name', GET: ({ params }) => ({ body: requirePool(params.name), index: 1 }) },
    {
      path: '/v1/node/pool/:name/nodes',
      GET: ({ params }) => {
        requirePool(params.name)
        return { body: [presentNodeStub(state, node)], index: index() }
      },
    },
    {
      path: '/v1/node/:id',
      GET: ({ params, query, signal }) => {
        if (params.id !== node.id) throw notFound('node not found', index())
        const answer = (index: number) => ({ body: presentNode(state, node, hostVolumes.versions()), index })
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
