import { ApiFailure, qualified } from './failure.ts'

/** As a Role's rule; `*` stands for all. */
export interface Rule {
  readonly apiGroups: readonly string[]
  /** `volumes`, `volumes/status`. */
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
  /** Default: everywhere, as by a ClusterRoleBinding. */
  readonly namespaces?: readonly string[]
}

export interface User {
  readonly name: string
  readonly rules: readonly Rule[]
}

export const everything: readonly Rule[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]

export interface Attempt {
  readonly verb: string
  readonly group: string
  /** Without the subresource. */
  readonly plural: string
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
}

/** @throws ApiFailure 403 */
export function authorize(user: User, attempt: Attempt): void {
  const { verb, group, plural, subresource, namespace, name } = attempt
  const resource = subresource ? `${plural}/${subresource}` : plural
  const matches = (list: readonly string[], value: string) => list.includes('*') || list.includes(value)
  const isAllowed = user.rules.some(
    (rule) =>
      matches(rule.verbs, verb) &&
      matches(rule.apiGroups, group) &&
      matches(rule.resources, resource) &&
      (rule.namespaces === undefined || (namespace !== undefined && rule.namespaces.includes(namespace))) &&
      (rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name))),
  )
  if (isAllowed) return
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const which =
    name === undefined ? qualified({ group, plural }) : `${qualified({ group, plural })} "${name}"`
  throw new ApiFailure(
    403,
    'Forbidden',
    `${which} is forbidden: User "${user.name}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`,
    { ...(name !== undefined && { name }), group, kind: plural },
  )
}
