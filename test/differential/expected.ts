import type { Difference } from './compare.ts'

type Explains = (difference: Difference) => boolean

const ourText = ({ answers: { ours } }: Difference) => (typeof ours.body === 'string' ? ours.body : '')
const says =
  (pattern: RegExp): Explains =>
  (difference) =>
    pattern.test(ourText(difference))
const at =
  (method: RegExp, path: RegExp): Explains =>
  ({ request }) =>
    method.test(request.method) && path.test(request.path)
const place =
  (pattern: RegExp): Explains =>
  (difference) =>
    pattern.test(difference.place)
const all =
  (...parts: readonly Explains[]): Explains =>
  (difference) =>
    parts.every((part) => part(difference))
const any =
  (...parts: readonly Explains[]): Explains =>
  (difference) =>
    parts.some((part) => part(difference))

const isStatus = place(/^status$/)
const define = at(/^(PUT|POST)$/, /^\/v1\/(volumes$|volume\/csi\/[^/?]+(\/create)?$)/)
const snapshots = at(/./, /^\/v1\/volumes\/snapshot/)
/** A refusal on both sides. */
const bothRefuse: Explains = ({ answers: { ours, nomad } }) => ours.status >= 400 && nomad.status >= 400

/**
 * The differences on purpose that show in answers, by the names that they have in the table of decisions of
 * docs/volumes-api.md. The first that explains a difference has it.
 */
export const explanations: Readonly<Record<string, Explains>> = {
  'create-again': all(define, isStatus, says(/already exists/)),
  'register-external-id': all(define, isStatus, says(/^missing external ID/)),
  'create-external-id': all(define, isStatus, says(/^ExternalID cannot be chosen/)),
  'negative-capacity': all(define, isStatus, says(/requested capacity cannot be negative/)),
  'update-topology': all(define, isStatus, ({ answers }) =>
    Object.values(answers).some(({ body }) =>
      /topology request update was not compatible/.test(String(body)),
    ),
  ),
  'topology-shape': place(/\.RequestedTopologies(\.(Required|Preferred))?$/),
  'create-topologies': place(/\.Topologies\[\d+\]$/),
  'csi-answers': all(define, isStatus, says(/the answer breaks CSI/)),
  'path-id': all(define, isStatus, says(/of the path/)),
  'filter-fields': all(at(/^GET$/, /filter=/), isStatus, says(/^failed to read filter expression/)),
  'post-for-put': all(at(/^POST$/, /^\/v1\/volume\/csi\//), isStatus, ({ nomad }) => nomad === 405),
  'status-codes': all(isStatus, bothRefuse, ({ ours, nomad }) => nomad === 500 && ours !== 500),
  methods: all(
    isStatus,
    any(
      ({ ours, nomad }) => ours === 405 && nomad === 404,
      ({ ours, nomad }) => ours === 404 && nomad === 405,
      at(/^HEAD$/, /./),
    ),
  ),
  'per-page': all(at(/^GET$/, /per_page=-/), isStatus),
  'search-empty': all(at(/./, /^\/v1\/search/), place(/^body\.Matches\./), ({ nomad }) => nomad === null),
  'error-texts': all(place(/^(body|header content-type)$/), bothRefuse),
  version: all(place(/\.Version$/), ({ nomad }) => nomad === undefined),
  'define-answer': all(define, place(/^body\.Volumes\[0\]\.(Schedulable|Controller|Nodes)/)),
  'snapshot-source': all(snapshots, place(/\.SourceVolumeID$/)),
  'snapshot-echo': all(at(/^(PUT|POST)$/, /^\/v1\/volumes\/snapshot/), place(/^body\.(Snapshots|NextToken)/)),
  'list-index': all(
    any(snapshots, at(/^GET$/, /^\/v1\/volumes\/external/)),
    place(/^(header x-nomad-(index|knownleader)|body\.(Index|KnownLeader))$/),
  ),
  'plugin-jobs': all(
    at(/^GET$/, /^\/v1\/plugin\//),
    place(/\.(AllocID|Allocations|ControllerJobs|NodeJobs|ControllerInfo|NodeInfo)\b/),
  ),
  'node-fields': all(at(/^GET$/, /^\/v1\/nodes/), place(/\.(Version|LastDrain)\b/)),
  'namespace-fields': all(at(/^GET$/, /^\/v1\/namespaces?\b/), place(/\.(Hash|Meta)$/)),
}

/** The decision that explains a difference; undefined: none does. */
export const decisionFor = (difference: Difference): string | undefined =>
  Object.keys(explanations).find((name) => explanations[name]?.(difference))
