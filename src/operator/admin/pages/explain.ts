import { declaredKinds } from '../../../lib/declared-kinds.ts'
import { type Names, placeholders } from '../../../lib/reasons/explanation.ts'
import { explanationOf } from '../../../lib/reasons/reasons.ts'
import type { ReasonExplanation } from '../../../wire/dashboard/common.ts'
import type { Key } from '../../plan/identity.ts'
import type { InventoryRecord } from '../../plan/record.ts'
import { partsOf } from './references.ts'

/** What `mooring explain` says of a reason, with the names of the object. undefined: there is no such reason. */
export function explain(
  reason: string,
  key: Key,
  record?: Pick<InventoryRecord, 'status'>,
): ReasonExplanation | undefined {
  const found = explanationOf(reason)
  if (found === undefined) return undefined
  const { kind, namespace, name } = partsOf(key)
  const { pluginID, externalID } = record?.status ?? {}
  const names: Names = {
    ...placeholders,
    target: `${namespace}/${name}`,
    kind: declaredKinds[kind].word,
    namespace,
    id: name,
    ...(pluginID === undefined ? {} : { pluginID }),
    ...(externalID === undefined ? {} : { externalID }),
  }
  const { happened, data, mooring, person } = found
  return { reason, happened, data, mooring, remedies: Object.values(person).map((remedy) => remedy(names)) }
}
