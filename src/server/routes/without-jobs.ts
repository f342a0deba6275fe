import { ApiError, badRequest, notFound } from '../errors.ts'
import type { ApiAnswer, ApiRequest } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseReadOptions } from '../http/read-options.ts'

type Outcome = 'empty list' | ApiError

/** What a path answers that Nomad has and this server has nothing for. */
interface Absence {
  readonly path: RegExp
  readonly GET?: Outcome
  /** Any other method that Nomad takes there; not given: none. */
  readonly other?: ApiError
}

const noJobs = badRequest('this server runs no jobs: it serves CSI volumes; send jobs to a Nomad cluster')
const noTasks = notFound(
  'this server runs no tasks: an allocation of it is a claim on a volume; end one with mooring unmount',
)
const noRaft = badRequest(
  'this server is one process: it has no Raft, no autopilot, no scheduler and no keyring',
)
const enterprise = new ApiError(501, 'Nomad Enterprise only endpoint')

const absences: readonly Absence[] = [
  {
    path: /^\/v1\/(jobs|jobs\/statuses|evaluations|deployments|scaling\/policies|node\/pool\/[^/]+\/jobs)$/,
    GET: 'empty list',
    other: noJobs,
  },
  { path: /^\/v1\/(jobs|validate)\/(parse|job)$/, other: noJobs },
  { path: /^\/v1\/job\/./, GET: notFound('job not found'), other: noJobs },
  { path: /^\/v1\/evaluation\/./, GET: notFound('eval not found'), other: noJobs },
  { path: /^\/v1\/deployment\/./, GET: notFound('deployment not found'), other: noJobs },
  { path: /^\/v1\/scaling\/policy\/./, GET: notFound('policy not found'), other: noJobs },
  {
    path: /^\/v1\/(services|service\/[^/]+)$/,
    GET: 'empty list',
    other: badRequest('this server registers no services'),
  },
  { path: /^\/v1\/vars$/, GET: 'empty list' },
  {
    path: /^\/v1\/var\/./,
    GET: notFound('variable not found'),
    other: badRequest('this server keeps no variables: it serves CSI volumes; keep them at a Nomad cluster'),
  },
  { path: /^\/v1\/volumes\/claims$/, GET: 'empty list' },
  {
    path: /^\/v1\/volume\/host\/./,
    GET: notFound('volume not found'),
    other: badRequest('this server makes no host volumes: it serves CSI volumes alone'),
  },
  {
    path: /^\/v1\/node\/[^/]+\/./,
    other: badRequest('the one node is this machine: it cannot be drained, purged or made ineligible'),
  },
  { path: /^\/v1\/client\/(allocation|fs)\/./, GET: noTasks, other: noTasks },
  { path: /^\/v1\/allocation\/[^/]+\/./, GET: noTasks, other: noTasks },
  { path: /^\/v1\/operator\/license$/, GET: badRequest('this server needs no licence') },
  {
    path: /^\/v1\/operator\/snapshot$/,
    GET: badRequest('the state is backed up with mooring server backup FILE, on the machine of the server'),
    other: badRequest('a backup is restored with mooring server restore FILE, on the machine of the server'),
  },
  { path: /^\/v1\/(operator|agent\/schedulers)(\/|$)/, GET: noRaft, other: noRaft },
  {
    path: /^\/v1\/metrics$/,
    GET: badRequest('metrics are served in the Prometheus format at --metrics-addr'),
  },
  {
    path: /^\/v1\/agent\/(monitor|host|pprof\/.+)$/,
    GET: badRequest('this server tells nothing more of its process: its log is on its standard error'),
  },
  {
    path: /^\/v1\/search\/fuzzy$/,
    other: badRequest('fuzzy search is not served; search by prefix with PUT /v1/search'),
  },
  {
    path: /^\/v1\/(sentinel\/.+|quotas|quota-usages|quota(\/.*)?|recommendations?(\/.*)?)$/,
    GET: enterprise,
    other: enterprise,
  },
]

/**
 * Answers what a Nomad without jobs, services and variables would: empty lists, which block as any list does, and
 * refusals in words. A path that Nomad does not have either is an empty 404.
 */
export function createAbsentRoutes(aclEnabled: boolean, blocking: RunBlockingQuery) {
  const acl = badRequest(
    aclEnabled
      ? 'tokens and policies are not served: they are in the ACL file of the server; make tokens with mooring server token create'
      : 'ACL support disabled',
  )
  const all = [...absences, { path: /^\/v1\/acl\/./, GET: acl, other: acl }]
  return async (method: string, path: string, request: ApiRequest): Promise<ApiAnswer> => {
    const absence = all.find((candidate) => candidate.path.test(path))
    if (absence === undefined) throw notFound('')
    const outcome =
      method === 'GET' ? absence.GET : ['PUT', 'POST', 'DELETE'].includes(method) ? absence.other : undefined
    if (outcome === undefined) throw new ApiError(405, 'Invalid method')
    if (outcome !== 'empty list') throw outcome
    const options = parseReadOptions(request.query)
    const never = { options, topics: [], index: () => 1, answer: (index: number) => ({ body: [], index }) }
    return await blocking(never, request.signal)
  }
}
