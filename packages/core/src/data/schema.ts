import { SessionError } from '../errors.ts'

/**
 * A validator with the Standard Schema interface (https://standardschema.dev): zod, valibot, arktype and
 * others have it. The specification allows this copy of the part that we use.
 */
export interface StandardSchema<input = unknown, output = input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<output> | Promise<SchemaResult<output>>
    readonly types?: { readonly input: input; readonly output: output } | undefined
  }
}

export type SchemaResult<output> =
  | { readonly value: output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

/** What a schema makes of its input. */
export type SchemaOutput<schema extends StandardSchema> = NonNullable<
  schema['~standard']['types']
>['output']

/** The validated object, or `null` when the schema refuses it. */
export async function validate(schema: StandardSchema, value: object): Promise<object | null> {
  const result = await schema['~standard'].validate(value)
  if (result.issues) return null
  const output: unknown = result.value
  if (typeof output === 'object' && output !== null && !Array.isArray(output)) return output
  throw new SessionError(
    'invalid-schema',
    'The schema must give an object, with one key for each value',
  )
}

/** The object that a new session begins with. */
export async function emptyOf(schema: StandardSchema): Promise<object> {
  const empty = await validate(schema, {})
  if (empty !== null) return empty
  throw new SessionError(
    'invalid-schema',
    'The schema refuses an empty session: make every key optional, or give it a default',
  )
}
