// Removes the folders that synthesis leaves in /tmp, once a file's tests are done.
import 'aws-cdk-lib/testhelpers/jest-autoclean';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { App } from 'aws-cdk-lib/core';
import { gatewayStacks } from '../../lib/gateway-stacks.ts';
import type { LlmGatewayProps } from '../../lib/llm-gateway.ts';

export const PROJECT = join(import.meta.dirname, '..', '..');
export const CONFIG_FILE = join(PROJECT, 'test', 'fixtures', 'deployment', 'gateway.config.ts');

/** The same with the semantic cache on. */
export const SEMANTIC_CONFIG_FILE = join(PROJECT, 'test', 'fixtures', 'deployment', 'semantic.config.ts');

/** The same with Amazon Bedrock. */
export const BEDROCK_CONFIG_FILE = join(PROJECT, 'test', 'fixtures', 'deployment', 'bedrock.config.ts');

/** The same with Bedrock and Vertex AI. */
export const CLOUDS_CONFIG_FILE = join(PROJECT, 'test', 'fixtures', 'deployment', 'clouds.config.ts');

const VALIDATE = '@aws-cdk/core:validateAgainstDefaultRules';

/**
 * An app with the flags of cdk.json, which does not bundle: templates do not depend on the code. CDK's own validation,
 * which takes longer than everything else, is left to the tests that are about it.
 */
export function appWithoutBundles({ validate = false } = {}): App {
  const { context } = JSON.parse(readFileSync(join(PROJECT, 'cdk.json'), 'utf8'));
  return new App({
    context: { ...context, [VALIDATE]: validate && context[VALIDATE], 'aws:cdk:bundling-stacks': [] },
  });
}

export interface Templates {
  readonly data: Template;
  readonly gateway: Template;
  readonly observability: Template;
}

/** The templates of the three stacks. */
export function synthesize(props: Partial<LlmGatewayProps> = {}): Templates {
  const stacks = gatewayStacks(appWithoutBundles(), { configFile: CONFIG_FILE, ...props });
  return {
    data: Template.fromStack(stacks.data),
    gateway: Template.fromStack(stacks.gateway),
    observability: Template.fromStack(stacks.observability),
  };
}

interface Resource {
  readonly Type: string;
  // A template is JSON of any shape; tests say which shape they expect.
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

/** All resources of one type, by logical id. */
export const resourcesOf = (template: Template, type: string): Readonly<Record<string, Resource>> =>
  // findResources returns exactly this, untyped.
  template.findResources(type) as Readonly<Record<string, Resource>>;
