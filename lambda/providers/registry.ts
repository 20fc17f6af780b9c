import { AI21 } from './ai21/provider.ts';
import { ANTHROPIC } from './anthropic/provider.ts';
import { AZURE } from './azure/provider.ts';
import { AZURE_AI } from './azure-ai/provider.ts';
import { BEDROCK } from './bedrock/provider.ts';
import { CEREBRAS } from './cerebras/provider.ts';
import { CLOUDFLARE } from './cloudflare/provider.ts';
import { COHERE } from './cohere/provider.ts';
import type { Provider } from './contract.ts';
import { CUSTOM } from './custom/provider.ts';
import { DASHSCOPE } from './dashscope/provider.ts';
import { DATABRICKS } from './databricks/provider.ts';
import { DEEPINFRA } from './deepinfra/provider.ts';
import { DEEPSEEK } from './deepseek/provider.ts';
import { FIREWORKS } from './fireworks/provider.ts';
import { GEMINI } from './gemini/provider.ts';
import { GITHUB_MODELS } from './github-models/provider.ts';
import { GROQ } from './groq/provider.ts';
import { HUGGINGFACE } from './huggingface/provider.ts';
import { HYPERBOLIC } from './hyperbolic/provider.ts';
import { JINA } from './jina/provider.ts';
import { LLAMA_CPP } from './llama-cpp/provider.ts';
import { LMSTUDIO } from './lmstudio/provider.ts';
import { LOCALAI } from './localai/provider.ts';
import { MINIMAX } from './minimax/provider.ts';
import { MISTRAL } from './mistral/provider.ts';
import { MOONSHOT } from './moonshot/provider.ts';
import { NEBIUS } from './nebius/provider.ts';
import { NOVITA } from './novita/provider.ts';
import { NVIDIA } from './nvidia/provider.ts';
import { OLLAMA } from './ollama/provider.ts';
import { OPENAI } from './openai/provider.ts';
import { OPENROUTER } from './openrouter/provider.ts';
import { PERPLEXITY } from './perplexity/provider.ts';
import { SAMBANOVA } from './sambanova/provider.ts';
import { SIM } from './sim/provider.ts';
import { SIM_ANTHROPIC } from './sim-anthropic/provider.ts';
import { SNOWFLAKE } from './snowflake/provider.ts';
import { TOGETHER } from './together/provider.ts';
import { VENICE } from './venice/provider.ts';
import { VERCEL } from './vercel/provider.ts';
import { VERTEX } from './vertex/provider.ts';
import { VLLM } from './vllm/provider.ts';
import { VOYAGE } from './voyage/provider.ts';
import { WRITER } from './writer/provider.ts';
import { XAI } from './xai/provider.ts';
import { ZAI } from './zai/provider.ts';

/** Every kind of provider Sluice knows. */
export const PROVIDERS: readonly Provider[] = [
  OPENAI,
  AZURE,
  AZURE_AI,
  ANTHROPIC,
  GEMINI,
  VERTEX,
  BEDROCK,
  COHERE,
  AI21,
  CEREBRAS,
  CLOUDFLARE,
  DASHSCOPE,
  DATABRICKS,
  DEEPINFRA,
  DEEPSEEK,
  FIREWORKS,
  GITHUB_MODELS,
  GROQ,
  HUGGINGFACE,
  HYPERBOLIC,
  JINA,
  LLAMA_CPP,
  LMSTUDIO,
  LOCALAI,
  MINIMAX,
  MISTRAL,
  MOONSHOT,
  NEBIUS,
  NOVITA,
  NVIDIA,
  OLLAMA,
  OPENROUTER,
  PERPLEXITY,
  SAMBANOVA,
  SNOWFLAKE,
  TOGETHER,
  VENICE,
  VERCEL,
  VLLM,
  VOYAGE,
  WRITER,
  XAI,
  ZAI,
  CUSTOM,
  SIM,
  SIM_ANTHROPIC,
];

/** The provider of a kind (`openai`); `undefined` where there is none. */
export const findProvider = (kind: string): Provider | undefined => PROVIDERS.find(({ id }) => id === kind);
