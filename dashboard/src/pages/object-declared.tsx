import type { ObjectDetail } from '../../../src/wire/dashboard/object.ts'
import { Card } from '../parts/card.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Scrolled } from '../parts/scrolled.tsx'
import { Fact } from './object-facts.tsx'

/** Where it is declared, and its YAML to copy. */
export function Declared({ data }: { readonly data: ObjectDetail }) {
  const { declared, row } = data
  const { source, file, line, column, commit, yaml } = declared
  return (
    <Card title="Declaration" note={yaml === '' ? undefined : <CopyButton text={yaml} label="Copy YAML" />}>
      <div class="body">
        {line === 0 && file === '' && source === '' ? (
          <p class="quiet">{row.place === '' ? 'No source declares it.' : row.place}</p>
        ) : (
          <dl class="facts">
            <Fact term="Source">{source}</Fact>
            {file !== '' && (
              <Fact term="Place">
                <code>
                  {file}:{line}:{column}
                </code>
              </Fact>
            )}
            {commit !== undefined && (
              <Fact term="Commit">
                <code title={commit}>{commit.slice(0, 12)}</code>
              </Fact>
            )}
          </dl>
        )}
      </div>
      {yaml !== '' && <Scrolled label="The declaration as YAML">{yaml}</Scrolled>}
    </Card>
  )
}
