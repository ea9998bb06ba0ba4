"""The groups of settings that have certificates: TLS, and the marks of generated sound."""

from pydantic import Field, model_validator

from server.settings.groups import Group


class TLS(Group):
    """Settings of TLS on both ports. When the PEM files have changed, they are read again for new connections."""

    certificate: str = Field(default="", description="file of the server's certificate chain; empty: no encryption")
    key: str = Field(default="", description="file of the private key of the server's certificate")
    client_ca: str = Field(
        default="",
        description="file of certificate authorities; clients then need a certificate of one of them (mutual TLS)",
    )

    http: bool = Field(
        default=True, description="encrypt the HTTP port, too; false: a proxy beside the server encrypts it"
    )

    @model_validator(mode="after")
    def _belong_together(self) -> "TLS":
        if bool(self.certificate) != bool(self.key) or (self.client_ca and not self.certificate):
            raise ValueError(
                "set both MELISMA_TLS__CERTIFICATE and MELISMA_TLS__KEY, or neither; MELISMA_TLS__CLIENT_CA needs both"
            )
        return self


class Marking(Group):
    """Settings of the marks that declare songs as AI-generated, which some laws require."""

    enabled: bool = Field(
        default=True,
        description="mark files in their metadata as AI-generated (EU AI Act, GB 45438-2025)",
    )
    producer: str = Field(
        default="",
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="name or code of the provider in the marks of files; the same on all servers of a shared store",
    )
    certificate: str = Field(
        default="",
        description="PEM file of the certificate chain for signing C2PA manifests; empty: no manifests",
    )
    key: str = Field(default="", description="PEM file of the private key for signing C2PA manifests")

    @model_validator(mode="after")
    def _belong_together(self) -> "Marking":
        if bool(self.certificate) != bool(self.key):
            raise ValueError("set both MELISMA_MARKING__CERTIFICATE and MELISMA_MARKING__KEY, or neither")
        return self
