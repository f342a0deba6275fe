import { type Explanations, run } from './explanation.ts'

const data = 'The data are safe. Mooring records what it intends in Kubernetes before it acts.'
const mooring = 'It reads again and retries, later each time.'
const retried = (happened: string) => ({ happened, data, mooring, person: {} })
const refused = (happened: string, person: () => string) => ({ happened, data, mooring, person: { person } })

/** What the API server of Kubernetes answers. The names are those of Kubernetes (meta/v1, StatusReason), and some of ours. */
export const kubernetes = {
  KubernetesUnreachable: refused(
    'The API server of Kubernetes does not answer.',
    () => `See whether it answers you: ${run('kubectl', 'cluster-info')}`,
  ),
  Unauthorized: refused(
    'The API server does not accept the credentials.',
    () => "Renew the operator's service account token or kubeconfig.",
  ),
  Forbidden: refused(
    'The operator lacks a right in Kubernetes.',
    () => 'Apply the rights of this release: upgrade the chart, or apply manifests/kubernetes again.',
  ),
  ResourceNotServed: refused(
    'The API server does not serve this kind.',
    () => 'Apply the CRDs of this release: upgrade the chart, or apply manifests/crds again.',
  ),
  CredentialsUnreadable: refused(
    'The file with the credentials for Kubernetes cannot be read.',
    () => 'Make the kubeconfig or the token file readable for the operator.',
  ),
  UnreadableAnswer: refused(
    'The API server answered with something that cannot be understood.',
    () => 'Look for a proxy between the operator and the API server.',
  ),
  BadRequest: refused('The API server refuses a request as malformed.', () => 'Report it, with the message.'),
  MethodNotAllowed: refused(
    'The API server does not allow this request on the resource.',
    () => 'Apply the CRDs of this release: upgrade the chart, or apply manifests/crds again.',
  ),
  NotAcceptable: refused(
    'The API server cannot answer in JSON.',
    () => 'Look for a proxy before the API server.',
  ),
  UnsupportedMediaType: refused(
    'The API server does not know the form of the request.',
    () => 'Upgrade Kubernetes to a release that docs/kubernetes.md names.',
  ),
  RequestEntityTooLarge: refused(
    'An object is larger than the API server stores.',
    () => 'Declare shorter parameters, context and labels.',
  ),
  UnexpectedAnswer: refused(
    'The API server answered with a status that Mooring does not know.',
    () => 'Look for a proxy between the operator and the API server.',
  ),
  ParentNotFound: refused(
    'The namespace of an object is missing in Kubernetes.',
    () => 'Create the namespace, or remove the object.',
  ),
  NotFound: retried('The object is no longer in Kubernetes.'),
  Conflict: retried('Somebody else wrote the object in between.'),
  Gone: retried('The API server no longer has the version of the list that was asked for.'),
  Expired: retried('The API server no longer has the version of the list that was asked for.'),
  Timeout: retried('The API server did not finish in time.'),
  ServerTimeout: retried('The API server did not finish in time.'),
  InternalError: retried('The API server failed.'),
  ServiceUnavailable: retried('The API server is not ready.'),
  StoreReadError: retried('The API server cannot read an object from its store.'),
  WatchEnded: retried('The API server ends a watch at once.'),
} satisfies Explanations
