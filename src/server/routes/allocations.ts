import { AllocationStub } from '../../wire/volume.ts'
import type { ServerContext } from '../context.ts'
import { notFound } from '../errors.ts'
import { answerFields, planPage } from '../filter/list-page.ts'
import type { Resource } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseReadOptions } from '../http/read-options.ts'
import { presentAllocation, presentAllocationWithJob } from '../node/present-allocation.ts'
import { compareBytes } from '../state/table.ts'

const allocationFields = answerFields(AllocationStub)

/** Allocations: the claims. */
export function allocationRoutes({ state, node }: ServerContext, blocking: RunBlockingQuery): Resource[] {
  const index = () => state.index('csi_claims')
  return [
    {
      path: '/v1/allocations',
      GET: ({ query, access, signal }) => {
        const options = parseReadOptions(query)
        const takePage = planPage(options, allocationFields, ({ ID }) => ID)
        const answer = (index: number) => {
          const { page, nextToken } = takePage(
            state.csi_claims
              .list()
              .filter(({ namespace }) => options.namespace === '*' || namespace === options.namespace)
              .filter(({ id }) => id.startsWith(options.prefix))
              .filter(({ namespace }) => access.allows(namespace, 'read-job'))
              .sort((one, other) => compareBytes(one.id, other.id))
              .map((claim) => presentAllocation(claim, node)),
          )
          return { body: page, index, nextToken }
        }
        return blocking({ options, topics: ['csi_claims'], index, answer }, signal)
      },
    },
    {
      path: '/v1/allocation/:id',
      GET: ({ params: { id = '' }, query, access, signal }) => {
        const answer = (index: number) => {
          const claim = state.csi_claims.get(id)
          // Nobody learns of an allocation by being refused it.
          if (claim === undefined || !access.allows(claim.namespace, 'read-job'))
            throw notFound('alloc not found', index)
          return { body: presentAllocationWithJob(claim, node), index }
        }
        return blocking(
          { options: parseReadOptions(query), topics: [`csi_claims/${id}`], index, answer },
          signal,
        )
      },
    },
  ]
}
