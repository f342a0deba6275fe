import type { ReasonExplanation } from '../../../src/wire/dashboard/common.ts'
import { Remedy } from './copy.tsx'

/** What a reason means, and what a person can do. */
export function Meaning({ explanation }: { readonly explanation: ReasonExplanation }) {
  const { happened, data, mooring, remedies } = explanation
  return (
    <div class="meaning">
      <p>
        {happened} {data} {mooring}
      </p>
      {remedies.map((remedy) => (
        <div class="remedy" key={remedy}>
          <Remedy text={remedy} />
        </div>
      ))}
    </div>
  )
}
