"""`ChatOpenAI` over Chat Completions, and over the Responses API, in LangChain's integration tests for chat models."""

# mypy: disable-error-code="import-not-found, misc, no-any-return"
# These packages are in the environment that runs this file, not in the one that checks it.

import os

from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests


class TestChatOpenAI(ChatModelIntegrationTests):
    """Every ability that the proxy offers is switched on; links to pictures are not among them."""

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, object]:
        return {
            "model": os.environ["PROXY_MODEL"],
            "base_url": os.environ["PROXY_BASE_URL"],
            "api_key": os.environ["PROXY_KEY"],
            "use_responses_api": False,
            "stream_usage": True,
            "max_retries": 0,
        }

    @property
    def model_override_value(self) -> str:
        return os.environ["PROXY_OTHER_MODEL"]

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def has_tool_choice(self) -> bool:
        return True

    @property
    def has_structured_output(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return False

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True


class TestChatOpenAIResponses(TestChatOpenAI):
    """The same over the Responses API."""

    @property
    def chat_model_params(self) -> dict[str, object]:
        return {**super().chat_model_params, "use_responses_api": True}
